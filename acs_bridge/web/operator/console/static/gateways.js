// The Gateways page: its lists, and lines that are clicked anywhere in their row.
import "./lists.js";

document.addEventListener("click", (event) => {
  if (event.target.closest("a, button") || String(getSelection())) return;
  event.target.closest(".picks tbody tr")?.querySelector("a")?.click();
});
