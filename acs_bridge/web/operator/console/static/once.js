// A plain form goes once, however often its button is pressed.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!("once" in form.dataset)) return;
  if (form.ariaBusy === "true") event.preventDefault();
  form.ariaBusy = "true";
});
// A page that comes back out of the browser's memory can be sent again.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-once]")) form.ariaBusy = "false";
});
