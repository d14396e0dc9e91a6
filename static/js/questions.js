// The question drawer narrows while one types, in German and English, whatever the capitals and accents; ß is ss.
// Enter goes to the first question that is left; Enter again takes it along. Without JavaScript the field asks the bank.
const folded = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase().replace(/ß|ss/g, "s");

function open(drawer) {
  const field = drawer.querySelector("[data-question-filter]");
  const count = drawer.querySelector("[data-question-count]");
  const folds = [...drawer.querySelectorAll("details")];
  const opened = new Map(folds.map((fold) => [fold, fold.open]));
  const form = field.form;
  form.hidden = false;
  form.querySelector("button").hidden = true;

  function narrow() {
    const words = folded(field.value).split(/\s+/).filter(Boolean);
    let found = 0;
    for (const fold of folds) {
      let left = 0;
      for (const line of fold.querySelectorAll("li")) {
        line.hidden = words.some((word) => !folded(line.dataset.find ?? line.textContent).includes(word));
        if (!line.hidden) left += 1;
      }
      fold.hidden = left === 0;
      fold.open = words.length ? left > 0 : opened.get(fold);
      found += left;
    }
    count.textContent = words.length ? (found === 1 ? drawer.dataset.one : drawer.dataset.many.replace("{n}", found)) : "";
  }

  field.addEventListener("input", narrow);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    [...drawer.querySelectorAll("li:not([hidden]) button")].find((button) => button.offsetParent)?.focus();
  });
}

for (const drawer of document.querySelectorAll("[data-questions]")) open(drawer);
document.addEventListener("htmx:afterSwap", (event) => { if (event.detail.elt.matches("[data-questions]")) open(event.detail.elt); }); // on the desk
