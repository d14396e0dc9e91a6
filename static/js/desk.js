// The desk of a talk. Each text saves while one writes: a pause of 800 ms, one request at a time, the state in words.
// Two may write at once: what another page has written since is merged by the server; where both changed the same words,
// both versions are shown and nothing is overwritten until a person has chosen. What the other one offers appears by
// itself. Without JavaScript each text has its own button. What cannot be sent waits on the device, encrypted.
import "./hints.js";
import { Device } from "./device.js";
import { send } from "./sending.js";

const desk = document.querySelector(".desk");
const words = desk.dataset;
const PAUSE = 800;
const RETRY = 5000;
const LOOK = 4000;
const texts = [];
const device = new Device(words.deviceKey);

// The caret stays where it is in the words around it when others' words come in before or after it.
function put(area, text) {
  const [before, start, end] = [area.value, area.selectionStart, area.selectionEnd];
  if (before === text) return;
  let head = 0;
  while (head < Math.min(before.length, text.length) && before[head] === text[head]) head += 1;
  let tail = 0;
  while (tail < Math.min(before.length, text.length) - head && before[before.length - 1 - tail] === text[text.length - 1 - tail]) tail += 1;
  const moved = (place) => (place <= head ? place : place >= before.length - tail ? place + text.length - before.length : head);
  area.value = text;
  area.setSelectionRange(moved(start), moved(end));
}

for (const form of desk.querySelectorAll("form[data-autosave]")) {
  const status = form.querySelector("[data-status]");
  const problem = form.querySelector("[data-problem]");
  const area = form.elements.text; // a single text that may be written in two places; other forms are one person's own
  let base = area?.defaultValue;
  let timer;
  let running = false;
  let dirty = false;
  let choosing = false;

  const say = (state, text) => { status.dataset.state = state; if (text !== undefined) status.textContent = text; };
  const later = (delay) => { clearTimeout(timer); timer = setTimeout(save, delay); };

  function take(answer, sent) {
    const shown = status.querySelector("[data-merged]");
    const stored = shown ? shown.value : sent;
    shown?.remove();
    if (!area) return;
    base = area.value === sent ? stored : sent; // who types on is merged with the next save
    if (area.value === sent) put(area, stored);
    const version = answer.headers.get("X-Version");
    if (version) form.elements.version.value = version;
  }

  // The values of all own fields; a form of several fields is kept and given back as a whole.
  const place = new URL(form.action).pathname;
  const fields = () => [...form.querySelectorAll("textarea[name]")];
  const hold = () => device.keep(place, { base, values: Object.fromEntries(fields().map((field) => [field.name, field.value])) });

  async function save() {
    if (running || choosing) return;
    running = true;
    dirty = false;
    say("saving", words.saving);
    const sent = area?.value;
    try {
      const answer = await send(form, form.action, area ? { base } : {});
      const text = await answer.text();
      if (answer.ok) {
        status.innerHTML = text;
        status.dataset.state = "saved";
        problem.replaceChildren();
        desk.dataset.state = answer.headers.get("X-State") ?? desk.dataset.state;
        take(answer, sent);
        if (!dirty) device.forget(place);
      } else if (answer.status === 412 || answer.status === 422) {
        problem.innerHTML = text;
        choosing = answer.status === 412;
        say("error", choosing ? words.twoVersions : "");
      } else {
        dirty = true;
        hold();
        say("error", answer.status === 401 || answer.status === 403 ? words.signedOut : words.offline);
        later(RETRY);
      }
    } catch {
      dirty = true;
      hold();
      say("error", words.offline);
      later(RETRY);
    } finally {
      running = false;
      if (dirty && status.dataset.state === "saved") later(PAUSE);
    }
  }

  // Two versions: mine, the stored one, or both, one below the other.
  problem?.addEventListener("click", (event) => {
    const choice = event.target.closest("[data-take]")?.dataset.take;
    if (!choice) return;
    const stored = problem.querySelector("[data-stored]").value;
    if (choice !== "mine") area.value = choice === "both" ? `${stored}\n\n${area.value}` : stored;
    base = stored;
    form.elements.version && (form.elements.version.value = problem.querySelector("[data-version]").dataset.version);
    problem.replaceChildren();
    choosing = false;
    area.focus();
    save();
  });

  form.addEventListener("input", () => {
    dirty = true;
    if (choosing) return;
    if (!running) say("typing", words.typing);
    later(PAUSE);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    save();
  });
  addEventListener("online", () => { if (dirty) later(0); });
  document.addEventListener("visibilitychange", () => { if (document.hidden && dirty && !choosing) { hold(); save(); } });
  device.take(place).then((kept) => {
    if (!kept || dirty || running) return;
    for (const field of fields()) if (field.name in kept.values) field.value = kept.values[field.name];
    if (area) base = kept.base;
    form.closest("details:not([open])")?.setAttribute("open", "");
    dirty = true;
    save();
  });
  addEventListener("beforeunload", (event) => { if (dirty || running || choosing) event.preventDefault(); });

  if (area) texts.push({
    id: area.id,
    isQuiet: () => !dirty && !running && !choosing,
    become(text, version) {
      put(area, text);
      base = text;
      if (form.elements.version) form.elements.version.value = version;
    },
  });
}

// What has changed elsewhere: asked for every few seconds while somebody looks, fetched only when something has.
async function look() {
  if (document.hidden) return;
  try {
    const state = await fetch(words.stateUrl, { headers: { "HX-Request": "true" }, redirect: "error" });
    if (!state.ok || (await state.text()) === desk.dataset.state) return;
    const answer = await fetch(location.href);
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const piece of document.querySelectorAll("[data-live]")) {
      const fresh = page.querySelector(`[data-live="${piece.dataset.live}"]`);
      if (fresh && fresh.innerHTML !== piece.innerHTML && !piece.contains(document.activeElement)) piece.replaceChildren(...fresh.childNodes);
    }
    for (const text of texts) {
      const fresh = page.getElementById(text.id);
      if (fresh && text.isQuiet()) text.become(fresh.defaultValue, fresh.form.elements.version?.value);
    }
    desk.dataset.state = page.querySelector(".desk")?.dataset.state ?? "";
  } catch { /* no connection: the next look will tell */ }
}
setInterval(look, LOOK);

// What one agrees to is the record as it is now: look once more before agreeing.
desk.addEventListener("submit", async (event) => {
  const agree = event.target.querySelector("[data-record-version]");
  if (!agree || agree.dataset.fresh) return;
  event.preventDefault();
  try {
    const page = new DOMParser().parseFromString(await (await fetch(location.href)).text(), "text/html");
    const fresh = page.querySelector("[data-record-version]");
    if (fresh && desk.querySelector("form[action*='/teil/']")) agree.value = fresh.value;
  } finally {
    agree.dataset.fresh = "1";
    event.target.submit();
  }
});
