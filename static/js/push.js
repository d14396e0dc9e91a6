// Notices in this browser: asks only when somebody presses the button. Without this script the section says that it needs one.
const section = document.querySelector("[data-push]");
const form = section.querySelector("form[data-push-on]");
const note = section.querySelector("[data-push-note]");
const say = (word) => { note.textContent = section.dataset[word]; note.hidden = false; };
const toBytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (sign) => sign.charCodeAt(0));
const toText = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const hashOf = async (text) => [...new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

const switchOn = async () => {
  if (await Notification.requestPermission() !== "granted") return say("denied");
  await navigator.serviceWorker.register("/push-worker.js", { scope: "/" });
  const { pushManager } = await navigator.serviceWorker.ready;
  await (await pushManager.getSubscription())?.unsubscribe(); // of another key, or of somebody else
  const subscription = await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: toBytes(section.dataset.key) });
  form.elements.endpoint.value = subscription.endpoint;
  form.elements.p256dh.value = toText(subscription.getKey("p256dh"));
  form.elements.auth.value = toText(subscription.getKey("auth"));
  form.submit();
};

// What this browser is subscribed as, if at all: its row says so, and removing it ends it here as well.
const recognise = async () => {
  const subscription = await (await navigator.serviceWorker.getRegistration("/"))?.pushManager.getSubscription();
  const row = subscription && section.querySelector(`[data-device="${await hashOf(subscription.endpoint)}"]`);
  if (!row) { form.hidden = false; return; }
  row.querySelector("[data-this-one]").hidden = false;
  row.querySelector("form").addEventListener("submit", () => { subscription.unsubscribe(); });
};

if ("serviceWorker" in navigator && "PushManager" in window && "Notification" in window) {
  note.hidden = true;
  if (Notification.permission === "denied") say("denied");
  else recognise().catch(() => { form.hidden = false; });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    switchOn().catch(() => say("failed")).finally(() => { button.disabled = false; delete form.dataset.sent; });
  });
}
