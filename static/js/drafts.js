// What is typed into a form is kept as a draft on the server: after a pause of 800 ms, when the page is left, and before
// it is sent, so that a form never leaves into a lost connection or an ended session. Nothing stays in the browser.
import "./hints.js";
import { send } from "./sending.js";

const PAUSE = 800;
const RETRY = 5000;

for (const status of document.querySelectorAll("[data-draft-status]")) {
  const form = status.closest("form");
  const words = status.dataset;
  let timer;
  let typed = false; // something stands here that the server does not know yet
  let running;

  const say = (state, text) => { status.dataset.state = state; status.textContent = text; };
  const later = (delay) => { clearTimeout(timer); timer = setTimeout(keep, delay); };

  async function once() {
    typed = false;
    say("saving", words.saving);
    try {
      const answer = await send(form, words.keep);
      if (answer.ok || answer.status === 422) {
        status.innerHTML = await answer.text();
        status.dataset.state = answer.ok ? "saved" : "error";
        return true;
      }
      if (answer.status === 400) return true; // not a page that keeps drafts: what is typed is sent as it is
      say("error", answer.status === 401 || answer.status === 403 ? words.signedOut : words.offline);
    } catch {
      say("error", words.offline);
    }
    typed = true;
    later(RETRY);
    return false;
  }
  const keep = () => (running ??= once().finally(() => { running = undefined; if (typed && status.dataset.state === "saved") later(PAUSE); }));

  const changed = (event) => {
    if (event.target.type === "hidden") return;
    typed = true;
    if (!running) say("typing", words.typing);
    later(PAUSE);
  };
  form.addEventListener("input", changed);
  form.addEventListener("change", changed);
  addEventListener("online", () => { if (typed) later(0); });
  document.addEventListener("visibilitychange", () => { if (document.hidden && typed) keep(); });
  addEventListener("beforeunload", (event) => { if (typed) { event.preventDefault(); keep(); } });

  // Sent only once the server has answered: else the text stays here, with a sentence about it.
  let sure = false;
  form.addEventListener("submit", async (event) => {
    if (sure) return;
    event.preventDefault();
    event.stopPropagation();
    clearTimeout(timer);
    await running;
    if (!(await keep())) { status.scrollIntoView({ block: "nearest" }); return; }
    clearTimeout(timer);
    typed = false;
    sure = true;
    form.requestSubmit(event.submitter);
  });
  addEventListener("pageshow", () => { sure = false; });
}
