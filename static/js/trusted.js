// The one gate between text and HTML (Trusted Types). htmx and the desk put pieces of our own server's pages into the page;
// such a piece never holds an inline script, a frame, a handler or a javascript: address. One that does is refused. The one
// script that is loaded by its address is the service worker of notices (push.js).
(() => {
  if (!window.trustedTypes) return;
  const reading = trustedTypes.createPolicy("reading", { createHTML: (text) => text });
  const isHarmless = (element) => {
    if (element.matches("iframe, object, embed, base, script:not([src])")) return false;
    return [...element.attributes].every(({ name, value }) =>
      !name.startsWith("on") && name !== "srcdoc" && !/^javascript:/i.test(value.replace(/[\u0000-\u0020]/g, "")));
  };
  // What lies in a <template> is not found from outside of it, and htmx wraps every piece in one.
  const isHarmlessBelow = (node) => [...node.querySelectorAll("*")].every((element) =>
    isHarmless(element) && (!element.content?.querySelectorAll || isHarmlessBelow(element.content)));
  trustedTypes.createPolicy("default", {
    createHTML(text) {
      const piece = new DOMParser().parseFromString(reading.createHTML(text), "text/html");
      return isHarmlessBelow(piece) ? text : null;
    },
    createScriptURL: (address) => (address === "/push-worker.js" ? address : null),
  });
})();
