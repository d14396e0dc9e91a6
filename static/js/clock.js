// A gentle clock beside a talk, in steps of five minutes; it is looked at, never read out.
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
