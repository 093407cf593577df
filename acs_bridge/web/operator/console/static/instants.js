// Fields for a time in the zone of whoever types it:  <input type="datetime-local" data-instant="since">  fills the
// hidden field of that name with the same instant in UTC, which is what the page asks the daemon for.
const two = (number) => String(number).padStart(2, "0");

function local(text) {
  const at = new Date(text);
  if (Number.isNaN(at.getTime())) return "";
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${two(at.getHours())}:${two(at.getMinutes())}`;
}

for (const form of document.querySelectorAll("form[data-instants]")) {
  for (const field of form.querySelectorAll("[data-instant]")) {
    const hidden = form.elements.namedItem(field.dataset.instant);
    field.value = hidden.value ? local(hidden.value) : "";
    field.addEventListener("input", () => {
      hidden.value = field.value ? new Date(field.value).toISOString() : "";
    });
  }
}
