// The script that a page needs only once somebody does something (data-late: its address) comes with the first touch, or
// when the page has stood for four seconds. What is typed, sent or pressed before it is there is held back and done again
// as soon as it is; until then nobody leaves the page unasked. When it does not come, a form goes without it.
// `say` shows a sentence, "" takes it away (decision 34).
const EVENTS = ["focusin", "pointerdown", "input", "submit", "click"];
const WAIT = 4000;

export function late(script, say) {
  const held = new Map(); // a field, a form, a link: how it is done again
  let tries = 0;
  let coming = false;

  function hold(event) {
    const { target, type, submitter } = event;
    if (!target.closest?.("main")) return;
    come();
    if (type === "submit" && tries && navigator.onLine) { // it has not come so far: a form also goes without it
      for (const thing of held.keys()) if (target.contains(thing)) held.delete(thing);
      return;
    }
    if (type === "input") held.set(target, () => target.dispatchEvent(new Event("input", { bubbles: true })));
    const link = type === "click" && target.closest("[data-plan]"); // without the script it leads elsewhere
    if (type === "submit") held.set(target, () => target.requestSubmit(submitter));
    else if (link) held.set(link, () => link.click());
    else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }
  const ask = (event) => { if (held.size) event.preventDefault(); };

  async function come() {
    if (coming) return;
    coming = true;
    try {
      await import(tries ? `${script}?${tries}` : script);
    } catch {
      coming = false;
      tries += 1; // under the same name a browser would not ask again
      if (held.size) say(document.body.dataset.failed);
      return;
    }
    clearInterval(timer);
    for (const name of EVENTS) document.removeEventListener(name, hold, true);
    removeEventListener("beforeunload", ask);
    if (tries) say("");
    for (const again of held.values()) again();
  }

  const timer = setInterval(come, WAIT);
  for (const name of EVENTS) document.addEventListener(name, hold, true);
  addEventListener("beforeunload", ask);
  if (Object.keys(localStorage).some((name) => name.startsWith("ungesendet:"))) come(); // device.js: it waits to be sent
}
