// Everything here is an enhancement: each feature also works as a plain form or link.
import "./trusted.js";
import { late } from "./late.js";

// What htmx reads when the page is complete, right after this script: nothing inline, no history, what may be put into the page.
const settings = document.createElement("meta");
settings.name = "htmx-config";
settings.content = JSON.stringify({
  includeIndicatorStyles: false,
  allowEval: false,
  allowScriptTags: false,
  timeout: 15000,
  defaultSettleDelay: 0,
  historyCacheSize: 0,
  responseHandling: [
    { code: "204", swap: false },
    { code: "[23]..", swap: true },
    { code: "4(12|22)", swap: true },
    { code: "[45]..", swap: false, error: true },
  ],
});
document.head.append(settings);

// Colour scheme: automatic, light, dark. Kept in this browser only.
const root = document.documentElement;
const words = document.body.dataset;
const themes = { "": words.themeAuto, light: words.themeLight, dark: words.themeDark };
const setTheme = (theme) => {
  if (theme) root.dataset.theme = theme;
  else delete root.dataset.theme;
  localStorage.setItem("theme", theme);
  for (const label of document.querySelectorAll("[data-theme-next] span")) label.textContent = themes[theme];
};
setTheme(localStorage.getItem("theme") ?? "");
document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-theme-next]")) return;
  const order = Object.keys(themes);
  setTheme(order[(order.indexOf(root.dataset.theme ?? "") + 1) % order.length]);
});

// An error summary takes the focus, so that it is read first.
document.querySelector("[data-focus]")?.focus();

// A sentence that everybody sees and hears, until the next one or none.
const say = (sentence) => {
  const status = document.getElementById("meldung");
  status.textContent = sentence;
  status.className = sentence ? "note note-brick note-float" : "sr";
};

// A request that failed takes its optimistic change back and says so, in words, once.
const failed = (event) => {
  const source = event.target.closest("form") ?? event.target;
  for (const box of source.querySelectorAll?.("[type=checkbox]") ?? []) box.checked = box.defaultChecked;
  say(event.detail?.xhr?.status === 401 ? words.signedOut : words.failed);
};
for (const name of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) document.addEventListener(name, failed);
document.addEventListener("htmx:afterSwap", () => { document.getElementById("meldung").className = "sr"; });

const script = document.querySelector("[data-late]")?.dataset.late;
if (script) late(script, say);

// A form goes once: the second click of a double click finds its button busy.
document.addEventListener("submit", (event) => {
  if (event.target.method !== "post" || event.target.hasAttribute("hx-post") || event.target.hasAttribute("data-again")) return;
  if (event.target.dataset.sent) event.preventDefault();
  event.target.dataset.sent = "1";
});
addEventListener("pageshow", () => { for (const form of document.forms) delete form.dataset.sent; });

// Unsaved text: leaving asks first.
let dirty = false;
document.addEventListener("input", (event) => { if (event.target.matches("textarea:not([data-autosave])") && !event.target.form?.querySelector("[data-draft-status]")) dirty = true; });
document.addEventListener("submit", () => { dirty = false; });
document.addEventListener("htmx:afterSwap", () => { dirty = false; });
addEventListener("beforeunload", (event) => { if (dirty) event.preventDefault(); });

// Printing shows what is folded.
addEventListener("beforeprint", () => { for (const fold of document.querySelectorAll("details:not([open])")) { fold.open = true; fold.dataset.shut = "1"; } });
addEventListener("afterprint", () => { for (const fold of document.querySelectorAll("details[data-shut]")) { fold.open = false; delete fold.dataset.shut; } });

// A button that prints.
document.addEventListener("click", (event) => { if (event.target.closest("[data-print]")) print(); });

// Signing out here ends the notices in this browser as well: the form says which one it is.
if (window.Notification?.permission === "granted") {
  navigator.serviceWorker?.getRegistration("/").then((found) => found?.pushManager.getSubscription()).then((subscription) => {
    for (const form of subscription ? document.querySelectorAll('form[action$="/accounts/logout/"]') : []) {
      const field = document.createElement("input");
      [field.type, field.name, field.value] = ["hidden", "push_endpoint", subscription.endpoint];
      form.append(field);
    }
  }).catch(() => {}); // the page was left meanwhile
}
