// Shows a notice when one comes, and opens its page when somebody clicks on it. It keeps nothing and answers no request of a
// page: no offline copies, no cache. What comes is sealed for this browser; it names what waits, never anybody's words.
addEventListener("push", (event) => {
  const { title = "Lernbegleitung", body = "", path = "/heute/" } = event.data?.json() ?? {};
  event.waitUntil(registration.showNotification(title, { body, tag: "lernbegleitung", icon: "/static/img/mark.svg", data: { path } }));
});

addEventListener("notificationclick", (event) => {
  event.notification.close();
  const page = new URL(event.notification.data?.path ?? "/heute/", location.origin);
  // A new window, never one that is open: somebody may be writing there.
  event.waitUntil(clients.openWindow(page.origin === location.origin ? page.href : "/heute/"));
});
