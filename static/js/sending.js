// Sending a form in the background. Who has signed in again in another window has a new token: it is fetched with the
// page and put into all of its forms, then the form goes once more. Answers are the server's; no answer is an error.
// `redirect`: "error" where no answer leads elsewhere, "follow" where the page to be shown next is wanted.
export async function send(form, address, also = {}, redirect = "error") {
  const answer = await post(form, address, also, redirect);
  if (answer.status !== 403 || !(await renewToken())) return answer;
  return post(form, address, also, redirect);
}

function post(form, address, also, redirect) {
  const body = new FormData(form);
  for (const [name, value] of Object.entries(also)) body.set(name, value);
  return fetch(address, { method: "POST", body, headers: { "HX-Request": "true" }, redirect, keepalive: document.hidden });
}

async function renewToken() {
  const page = await fetch(location.href, { redirect: "manual" });
  if (!page.ok) return false;
  const fresh = new DOMParser().parseFromString(await page.text(), "text/html").querySelector("main [name=csrfmiddlewaretoken]");
  for (const field of document.getElementsByName("csrfmiddlewaretoken")) if (fresh) field.value = fresh.value;
  return Boolean(fresh);
}
