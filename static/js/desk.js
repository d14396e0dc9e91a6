// The desk of a talk. Each text saves while one writes: a pause of 800 ms, one request at a time, the state in words.
// Two may write at once: what another page has written since is merged by the server; where both changed the same words,
// both versions are shown and nothing is overwritten until a person has chosen. What the other one offers appears by
// itself. Without JavaScript each text has its own button. What cannot be sent waits on the device, encrypted.
import "./hints.js";
import "./questions.js";
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
        note(answer.headers.get("X-State") ?? "");
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
    // A page may have been fetched before a save of ours and come after it: what it has is then older than what is here.
    become(text, version) {
      const mine = form.elements.version; // the sentence at the end has none
      if (mine && Number(version) <= Number(mine.value)) return;
      put(area, text);
      bases.set("text", text);
      if (mine) mine.value = version;
    },
  });
}

// The state of the talk after an own save: known to this page if nothing but its own change has come, else to be fetched.
function note(state) {
  const [was, is] = [desk.dataset.state, state].map((text) => text.split("~"));
  if (is.length === 3 && is[1] === was[1] && is[0] - was[0] <= 1) desk.dataset.state = state;
}

const written = (field) => field.matches("textarea, input:not([type=hidden])") && field.value !== field.defaultValue;
const holdsWords = (piece, besides) => [...piece.querySelectorAll("textarea, input")].some((field) => written(field) && !besides?.contains(field));
const writing = () => (document.activeElement.matches("textarea, input") ? document.activeElement : null);
const busy = (piece, touched) => holdsWords(piece, touched) || (piece.contains(writing()) && !piece.contains(touched));
const plain = (piece) => piece.innerHTML.replace(/(csrfmiddlewaretoken" value=)"[^"]*"/g, "$1");
let behind = false; // something is newer than what is shown, since somebody is writing there

// What is new in a piece; what has an id of its own is renewed one by one, so that no word being typed is lost.
function renew(piece, fresh, touched) {
  if (plain(piece) === plain(fresh)) return;
  const [olds, news] = [[...piece.children], [...fresh.children]];
  if (![...olds, ...news].every((child) => child.id)) {
    if (busy(piece, touched)) behind = true;
    else swap(piece, () => piece.replaceChildren(...fresh.childNodes));
    return;
  }
  for (const old of olds) if (!news.some((child) => child.id === old.id)) busy(old, touched) ? (behind = true) : old.remove();
  for (const child of news) {
    const old = olds.find((one) => one.id === child.id);
    if (!old) piece.append(child);
    else if (plain(old) !== plain(child)) busy(old, touched) ? (behind = true) : swap(old, () => old.replaceWith(child));
  }
}

// Folds that somebody has opened stay open, and whoever stands on a button there stays on it.
function swap(piece, change) {
  const open = [...piece.querySelectorAll("details[id][open]")].map((fold) => fold.id);
  const at = piece.contains(document.activeElement) ? document.activeElement : null;
  const form = at?.closest("form[id]")?.getAttribute("id");
  change();
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  if (at && !at.isConnected && form) document.getElementById(form)?.querySelector(at.dataset.mark ? `[data-mark="${at.dataset.mark}"]` : "button")?.focus();
}

// A page as the server makes it now: every piece that lives takes what is new in it, and texts that nobody is writing.
function show(page, touched = null) {
  behind = false;
  for (const piece of document.querySelectorAll("[data-live]")) {
    const fresh = page.querySelector(`[data-live="${piece.dataset.live}"]`);
    if (fresh) renew(piece, fresh, touched);
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
    if (!state.ok || ((await state.text()) === desk.dataset.state && !behind)) return;
    const answer = await fetch(location.href);
    if (answer.ok) show(new DOMParser().parseFromString(await answer.text(), "text/html"));
  } catch { /* no connection: the next look will tell */ }
}
setInterval(look, LOOK);

// Small answers (an idea, a mark, a step, an offer) go in the background, so that nobody loses the place or a word. What
// comes back is the same page as without JavaScript: the pieces that live are shown anew, and the form with its errors.
const onTheWay = new Set();
const waiting = new Set();
const say = (form, sentence) => {
  form.querySelector("[data-problem]").textContent = sentence;
};

desk.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!("inplace" in form.dataset)) return;
  event.preventDefault();
  if (onTheWay.has(form)) return void waiting.add(form);
  onTheWay.add(form);
  const [address, name] = [form.getAttribute("action"), form.getAttribute("id")]; // fields may be called "action" or "id"
  const [button, sent] = [event.submitter, new FormData(form)];
  const part = form.closest(".phase")?.querySelector("summary");
  const wordsOf = () => [...form.querySelectorAll("textarea")];
  try {
    const answer = await send(form, address, button?.name ? { [button.name]: button.value } : {}, "follow");
    const text = await answer.text();
    const page = answer.ok || answer.status === 422 ? new DOMParser().parseFromString(text, "text/html") : null;
    if (answer.status === 409) return void say(form, new DOMParser().parseFromString(text, "text/html").body.textContent);
    if (!page?.querySelector(".desk")) {
      return void say(form, answer.status === 401 || page ? document.body.dataset.signedOut : document.body.dataset.failed);
    }
    show(page, form);
    const fresh = page.getElementById(name);
    const goesOn = wordsOf().some((field) => field.value !== sent.get(field.name)); // typed while it was on the way
    if (document.getElementById(name) === form && fresh && !goesOn) form.replaceWith(fresh);
    else if (fresh && goesOn && answer.ok) {
      form.elements.namedItem("id").value = fresh.elements.namedItem("id").value;
      for (const field of wordsOf()) if (field.value === sent.get(field.name)) field.value = "";
      say(form, "");
    }
    if (!goesOn) lead(name, { then: form.dataset.then, mark: button?.dataset.mark, refused: answer.status === 422, part });
    document.getElementById("meldung").textContent = [...page.querySelectorAll(".messages .note")].map((one) => one.textContent.trim()).join(" ");
  } catch {
    say(form, document.body.dataset.failed);
  } finally {
    onTheWay.delete(form);
    if (waiting.delete(form) && form.isConnected && wordsOf().some((field) => field.value)) form.requestSubmit();
  }
});

// Where one goes on: at what is wrong, at the button one has pressed, at what comes next; never at the top of the page.
function lead(name, { then, mark, refused, part }) {
  const now = document.getElementById(name);
  const wrong = refused && now?.querySelector("[data-focus], [aria-invalid=true]");
  const target = wrong || (mark && now?.querySelector(`[data-mark="${mark}"]`)) || (then && document.querySelector(then)) || now || part;
  if (target && !target.matches("a, button, input, textarea, summary, [tabindex]")) target.tabIndex = -1;
  target?.focus();
}
addEventListener("beforeunload", (event) => { if ([...desk.querySelectorAll("form[data-inplace]")].some((form) => holdsWords(form))) event.preventDefault(); });

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
