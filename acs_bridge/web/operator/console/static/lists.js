// Lists that stand in the address of their page: what is searched, turned or chosen changes the address, and the live
// parts of the page are fetched again. Nothing that was typed elsewhere is lost.
import { refresh } from "./live.js";

const PAUSE_MS = 180;
const timers = new Map();

// Shows the same page with other parts of its query; null takes one out. A promise of when it is there.
export function go(changes) {
  const url = new URL(location.href);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === "") url.searchParams.delete(name);
    else url.searchParams.set(name, value);
  }
  history.replaceState(null, "", url);
  return refresh();
}

function find(form) {
  const name = form.dataset.find;
  clearTimeout(timers.get(name));
  const text = form.querySelector("input").value;
  return go({ [`${name}_search`]: text.trim() ? text : null, [`${name}_after`]: null, [`${name}_only`]: null });
}

document.addEventListener("input", (event) => {
  const form = event.target.closest("form[data-find]");
  if (!form) return;
  clearTimeout(timers.get(form.dataset.find));
  timers.set(form.dataset.find, setTimeout(() => find(form), PAUSE_MS));
});

document.addEventListener("submit", (event) => {
  if (!event.target.dataset.find) return;
  event.preventDefault();
  find(event.target);
});

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-here]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  history.replaceState(null, "", link.href);
  const shown = new URL(link.href).searchParams;
  for (const field of document.querySelectorAll("form[data-find] input")) {
    if (!shown.has(field.name)) field.value = "";
  }
  refresh();
});
