// The desk of a talk saves while one writes: a pause of 800 ms, one request at a time, the state always in words.
// Without JavaScript each part has its own button. Nothing is kept in the browser's storage.
import { send } from "./sending.js";

const desk = document.querySelector(".desk");
const words = desk.dataset;
const PAUSE = 800;
const RETRY = 5000;

for (const form of desk.querySelectorAll("form[data-autosave]")) {
  const status = form.querySelector("[data-status]");
  const problem = form.querySelector("[data-problem]");
  let timer;
  let running = false;
  let dirty = false;

  const say = (state, text) => { status.dataset.state = state; if (text !== undefined) status.textContent = text; };
  const later = (delay) => { clearTimeout(timer); timer = setTimeout(save, delay); };

  async function save() {
    if (running) return;
    running = true;
    dirty = false;
    say("saving", words.saving);
    try {
      const response = await send(form, form.action);
      const text = await response.text();
      if (response.ok) {
        status.innerHTML = text;
        status.dataset.state = "saved";
        problem.replaceChildren();
        const version = response.headers.get("X-Version");
        if (version) form.elements.version.value = version;
      } else if (response.status === 412 || response.status === 422) {
        problem.innerHTML = text;
        const stored = problem.querySelector("[data-version]");
        if (stored) form.elements.version.value = stored.dataset.version;
        say("error", "");
      } else {
        dirty = true;
        say("error", response.status === 401 || response.status === 403 ? words.signedOut : words.offline);
        later(RETRY);
      }
    } catch {
      dirty = true;
      say("error", words.offline);
      later(RETRY);
    } finally {
      running = false;
      if (dirty && status.dataset.state === "saved") later(PAUSE);
    }
  }

  form.addEventListener("input", () => {
    dirty = true;
    if (!running) say("typing", words.typing);
    later(PAUSE);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    save();
  });
  addEventListener("online", () => { if (dirty) later(0); });
  addEventListener("beforeunload", (event) => { if (dirty || running) event.preventDefault(); });
}

// What one agrees to is the record as it is now: the version is asked for with the page, so load it anew before agreeing.
const agree = desk.querySelector("[data-record-version]");
agree?.form.addEventListener("submit", async (event) => {
  if (agree.dataset.fresh) return;
  event.preventDefault();
  try {
    const page = new DOMParser().parseFromString(await (await fetch(location.href)).text(), "text/html");
    const fresh = page.querySelector("[data-record-version]");
    if (fresh && desk.querySelector("form[action*='/teil/']")) agree.value = fresh.value;
  } finally {
    agree.dataset.fresh = "1";
    agree.form.submit();
  }
});
