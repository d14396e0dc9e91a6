// A hint below a field when its text looks like something that should stay out: data about customers, or special
// categories. Looked at in the browser only; it stops nobody, and nothing of it is sent or kept.
const PATTERNS = [
  ["iban", /\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b/],
  ["number", /\b\d{3} ?[A-Z] ?\d{6}\b|\b\d{5}\/\/\d{7}\b|\b\d{2} ?\d{6} ?[A-Z] ?\d{3}\b/],
  ["mail", /[^\s@]+@[^\s@]+\.[a-zäöü]{2,}/i],
  ["phone", /(?:\+|\b00)\d{2}[ \d/()-]{7,}\d|\b0\d{2,5}[ /-]{1,3}\d{2,}(?:[ -]?\d{2,})*\b|\b01[567]\d{7,9}\b/],
  ["special", /(?<![a-zäöüß])(?:diagnos|depressi|burn-?out|psychi?atr|psychothera|schwanger|schwerbehinder|chronisch krank|krebs(?:erkrank|$|[ .,])|medikament|krankgeschrieben|krankschreib|arbeitsunfähig|gewerkschaft|pregnan|disabilit|medication|sick leave|trade union)/i],
];
const words = document.querySelector("[data-hints]")?.dataset ?? {};
const PAUSE = 500;

export const kindOf = (text) => PATTERNS.find(([, pattern]) => pattern.test(text))?.[0] ?? "";

function noteOf(area) {
  const known = area.parentElement.querySelector(":scope > [data-hint]");
  if (known) return known;
  const note = document.createElement("p");
  note.dataset.hint = "";
  note.className = "hint-live";
  note.setAttribute("role", "status");
  area.after(note);
  return note;
}

let timer;
document.addEventListener("input", (event) => {
  const area = event.target;
  if (!area.matches("textarea")) return;
  const note = noteOf(area);
  clearTimeout(timer);
  timer = setTimeout(() => {
    const kind = kindOf(area.value);
    if (note.dataset.hint === kind) return;
    note.dataset.hint = kind;
    note.textContent = kind ? words[kind] ?? "" : "";
  }, PAUSE);
});
