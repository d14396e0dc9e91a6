// The board follows what colleagues do (docs/decisions/0023). Nothing moves that one may be about to press: what is new
// comes at the end, what is over stays and says so, places change where they stand, ticks are kept.

const LOOK = 10000;
const board = document.getElementById("tafel");
const news = document.getElementById("neues");
const says = document.getElementById("meldung");
const sheet = document.getElementById("blatt");
const ticked = () => [...document.querySelectorAll("input[name=companion]:checked")].map((box) => box.value);
const kept = `ticked:${sheet?.dataset.request}`;

// What was ticked before the page was shown anew.
for (const value of JSON.parse(sessionStorage.getItem(kept) ?? "[]")) {
  const box = document.querySelector(`input[name=companion][value="${CSS.escape(value)}"]`);
  if (box) box.checked = true;
}
sessionStorage.removeItem(kept);

// Up and down through the requests.
document.querySelector(".queue")?.addEventListener("keydown", (event) => {
  const links = [...event.currentTarget.querySelectorAll("a")];
  const here = links.indexOf(event.target);
  const there = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: links.length - 1 }[event.key];
  if (here < 0 || there === undefined || !links[there]) return;
  event.preventDefault();
  links[there].focus();
});

const follow = (page) => {
  const fresh = page.getElementById("tafel");
  const count = page.getElementById("anzahl");
  if (count) document.getElementById("anzahl").textContent = count.textContent;
  const list = document.querySelector(".queue");
  const there = new Map([...page.querySelectorAll(".queue [data-request]")].map((row) => [row.dataset.request, row]));
  let changed = false;
  for (const row of list?.children ?? []) {
    const link = row.querySelector("a");
    const now = there.get(row.dataset.request);
    there.delete(row.dataset.request);
    if (now) {
      const fresh = now.querySelector("a");
      if (link.innerHTML !== fresh.innerHTML) { link.replaceChildren(...fresh.childNodes); changed = true; }
      link.classList.remove("gone");
    } else if (!link.classList.contains("gone")) {
      link.classList.add("gone");
      const tag = link.querySelector(".tag") ?? link.appendChild(document.createElement("span"));
      tag.className = "tag start";
      tag.textContent = board.dataset.gone;
      changed = true;
    }
  }
  for (const row of there.values()) if (list) { list.append(document.adoptNode(row)); changed = true; }
  for (const rank of page.querySelectorAll("[data-person]")) {
    const places = document.querySelector(`[data-person="${rank.dataset.person}"] .places`);
    if (places) places.replaceWith(document.adoptNode(rank.querySelector(".places")));
  }
  if (changed) says.textContent = board.dataset.changed;
  const other = page.getElementById("blatt");
  const mine = sheet && (!other || other.dataset.request !== sheet.dataset.request || other.dataset.sheet !== sheet.dataset.sheet);
  if (mine || (!sheet && other)) tell();
  if (fresh) board.dataset.look = fresh.dataset.look;
  return Boolean(fresh);
};

// The request one is looking at has changed: said above the page, shown when asked for.
const tell = () => {
  if (news.childElementCount) return;
  news.append(document.getElementById("neues-text").content.cloneNode(true));
  news.querySelector("a").href = location.href;
  news.querySelector("a").addEventListener("click", (event) => {
    event.preventDefault();
    sessionStorage.setItem(kept, JSON.stringify(ticked()));
    location.reload();
  });
  news.querySelector("button").addEventListener("click", () => news.replaceChildren());
};

let busy = false;
const look = async () => {
  if (busy || document.hidden || !board) return;
  busy = true;
  try {
    const answer = await fetch(board.dataset.look, { redirect: "manual" });
    if (answer.status === 200) {
      const page = await fetch(location.href, { redirect: "manual" });
      const text = new DOMParser().parseFromString(await page.text(), "text/html");
      if (!follow(text)) { clearInterval(clock); tell(); }
    } else if (!answer.ok) clearInterval(clock); // signed out, or no coordinator any more
  } catch { /* no connection: the next look finds out */ }
  busy = false;
};
const clock = setInterval(look, LOOK);
document.addEventListener("visibilitychange", look);
