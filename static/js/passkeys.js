// Passkeys: a button that asks the device and sends its answer with the form. It shows itself where the browser knows how;
// what goes wrong is said on the page. What to ask stands in the page, or is fetched when the button is pressed (sign in).
const button = document.querySelector("[data-passkey]");
const form = button.form;
const note = document.getElementById("passkey-fehler");
const inPage = document.getElementById("js_data");

const options = async () => {
  if (inPage) return JSON.parse(inPage.textContent);
  const answer = await fetch(form.getAttribute("action"), { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(answer.statusText);
  return answer.json();
};

const make = ({ creation_options: { publicKey } }) => {
  if (form.elements.passwordless) {
    const alone = form.elements.passwordless.checked;
    const wanted = { residentKey: alone ? "required" : "discouraged", requireResidentKey: alone };
    Object.assign(publicKey.authenticatorSelection, wanted, alone && { userVerification: "required" });
  }
  return navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(publicKey) });
};

const use = ({ request_options: { publicKey } }) =>
  navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(publicKey) });

button.hidden = !window.PublicKeyCredential?.parseCreationOptionsFromJSON;
button.addEventListener("click", async (event) => {
  event.preventDefault();
  try {
    const credential = await (button.dataset.passkey === "make" ? make : use)(await options());
    form.elements.credential.value = JSON.stringify(credential);
    form.submit();
  } catch {
    note.hidden = false;
    note.focus();
  }
});
