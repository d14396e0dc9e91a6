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
  const area = form.elements.text; // a text of the record; the other forms are one person's own, with several fields
  const fields = () => [...form.querySelectorAll("textarea[name]")];
  const bases = new Map(fields().map((field) => [field.name, field.defaultValue])); // what the server knew at last
  let timer;
  let running = false;
  let dirty = false;
  let choosing = false;

  const say = (state, text) => { status.dataset.state = state; if (text !== undefined) status.textContent = text; };
  const later = (delay) => { clearTimeout(timer); timer = setTimeout(save, delay); };

  const typed = () => new Map(fields().map((field) => [field.name, field.value]));

  // Who types on is merged with the next save: their base is what was sent.
  function take(answer, sent) {
    const merged = new Map([...status.querySelectorAll("[data-merged]")].map((shown) => [shown.dataset.merged, shown.value]));
    for (const shown of status.querySelectorAll("[data-merged]")) shown.remove();
    for (const field of fields()) {
      const before = sent.get(field.name);
      const stored = merged.get(field.name) ?? before;
      bases.set(field.name, field.value === before ? stored : before);
      if (field.value === before) put(field, stored);
    }
    const version = answer.headers.get("X-Version");
    if (version) form.elements.version.value = version;
  }

  // The values of all own fields; a form of several fields is kept and given back as a whole.
  const place = new URL(form.action).pathname;
  const hold = () => device.keep(place, { bases: Object.fromEntries(bases), values: Object.fromEntries(typed()) });

  async function save() {
    if (running || choosing) return;
    running = true;
    dirty = false;
    say("saving", words.saving);
    const sent = typed();
    const known = Object.fromEntries([...bases].map(([name, text]) => [area ? "base" : `base-${name}`, text]));
    try {
      const answer = await send(form, form.action, known);
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
    bases.set("text", stored);
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
    for (const [name, text] of Object.entries(kept.bases)) bases.set(name, text);
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
      bases.set("text", text);
      if (form.elements.version) form.elements.version.value = version;
    },
  });
}

// A page as the server makes it now: every piece that lives takes what is new in it, and texts that nobody is writing.
function show(page, touched = null) {
  for (const piece of document.querySelectorAll("[data-live]")) {
    const fresh = page.querySelector(`[data-live="${piece.dataset.live}"]`);
    const busy = piece.contains(document.activeElement) && !piece.contains(touched);
    if (fresh && fresh.innerHTML !== piece.innerHTML && !busy) piece.replaceChildren(...fresh.childNodes);
  }
  // A part in which something stands for the first time opens for the one who reads along.
  for (const part of desk.querySelectorAll(".phase:not([data-filled])")) {
    if (!page.getElementById(part.id)?.hasAttribute("data-filled")) continue;
    part.toggleAttribute("data-filled", true);
    part.querySelector(".phase-peek")?.remove();
    part.open = true;
  }
  for (const text of texts) {
    const fresh = page.getElementById(text.id);
    if (fresh && text.isQuiet()) text.become(fresh.defaultValue, fresh.form.elements.version?.value);
  }
  desk.dataset.state = page.querySelector(".desk")?.dataset.state ?? "";
}

// What has changed elsewhere: asked for every few seconds while somebody looks, fetched only when something has.
async function look() {
  if (document.hidden) return;
  try {
    const state = await fetch(words.stateUrl, { headers: { "HX-Request": "true" }, redirect: "error" });
    if (!state.ok || (await state.text()) === desk.dataset.state) return;
    const answer = await fetch(location.href);
    if (answer.ok) show(new DOMParser().parseFromString(await answer.text(), "text/html"));
  } catch { /* no connection: the next look will tell */ }
}
setInterval(look, LOOK);

// Small answers (an idea, a mark, a step, an offer) go in the background, so that nobody loses the place or a word. What
// comes back is the same page as without JavaScript: the pieces that live are shown anew, and the form with its errors.
let sending = false;
desk.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!("inplace" in form.dataset)) return;
  event.preventDefault();
  if (sending) return;
  const [address, name] = [form.getAttribute("action"), form.getAttribute("id")]; // fields may be called "action" or "id"
  sending = true;
  const button = event.submitter;
  const problem = form.querySelector("[data-problem]");
  try {
    const answer = await send(form, address, button?.name ? { [button.name]: button.value } : {}, "follow");
    const page = answer.ok || answer.status === 422 ? new DOMParser().parseFromString(await answer.text(), "text/html") : null;
    if (!page?.querySelector(".desk")) {
      problem.textContent = answer.status === 401 || answer.redirected ? words.signedOut : words.offline;
      return;
    }
    const { then } = form.dataset;
    const mark = button?.dataset.mark;
    show(page, form);
    const fresh = page.getElementById(name);
    const here = document.getElementById(name);
    if (here === form && fresh) form.replaceWith(fresh);
    const now = document.getElementById(name);
    const wrong = now?.querySelector("[data-focus], [aria-invalid=true]");
    const target = answer.status === 422 && wrong ? wrong : (mark && now?.querySelector(`[data-mark="${mark}"]`)) || (then && document.querySelector(then)) || now;
    if (target && !target.matches("a, button, input, textarea, [tabindex]")) target.tabIndex = -1;
    target?.focus();
    document.getElementById("meldung").textContent = [...page.querySelectorAll(".messages .note")].map((note) => note.textContent.trim()).join(" ");
  } catch {
    problem.textContent = words.offline;
  } finally {
    sending = false;
  }
});

// A chosen idea becomes the beginning of a step; without JavaScript the link leads to the empty form.
desk.addEventListener("click", (event) => {
  const link = event.target.closest("[data-plan]");
  const fold = document.getElementById("schritt-planen");
  if (!link || !fold) return;
  event.preventDefault();
  for (const around of [fold, fold.closest(".phase")]) around.open = true;
  const what = fold.querySelector("[name=what]");
  if (!what.value) what.value = link.dataset.plan;
  what.focus();
});

// What an observation may mean is asked only beside an observation.
desk.addEventListener("change", (event) => {
  if (event.target.name !== "what" || event.target.type !== "radio") return;
  const meaning = event.target.form.querySelector("[data-only]");
  if (meaning) meaning.hidden = meaning.dataset.only !== event.target.value;
});

// A gentle clock, in steps of five minutes; it is looked at, never read out.
const clock = document.querySelector("[data-clock]");
function tell() {
  const { starts, ends, left, last, over } = clock.dataset;
  const now = Date.now();
  const minutes = Math.ceil((Date.parse(ends) - now) / 300_000) * 5;
  const during = now >= Date.parse(starts) && now < Date.parse(ends) + 3_600_000;
  clock.textContent = !during ? "" : minutes > 5 ? left.replace("{n}", minutes) : minutes > 0 ? last : over;
}
tell();
setInterval(tell, 30_000);

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
