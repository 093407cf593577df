// The search box of every page: what is found while somebody types. "/" goes there from anywhere; the arrows choose,
// Enter opens, Escape closes. Without this script the box still searches.
import { call } from "./api.js";
import { say } from "./say.js";

const WAIT_MS = 150;
const MOST = 8;
const LEAST = 2;

const named = (hit) => (hit.kind === "gateway" && hit.gateway ? `${hit.gateway.oui} ${hit.gateway.serial_number}` : hit.line_of_service ?? hit.subscriber_code);

function place(hit) {
  const lines = hit.line_of_service ? [hit.line_of_service] : hit.first_lines;
  return lines.length === 1 ? `/lines/${encodeURIComponent(lines[0])}` : `/search?${new URLSearchParams({ q: named(hit) })}`;
}

function option(hit, number) {
  const item = document.createElement("li");
  item.id = `suggestion-${number}`;
  item.setAttribute("role", "option");
  item.setAttribute("aria-selected", "false");
  item.dataset.place = place(hit);
  for (const [tag, text] of [["bdi", named(hit)], ["small", [say(`search.${hit.kind}`), hit.subscriber_name].filter(Boolean).join(" · ")]]) {
    const part = document.createElement(tag);
    part.textContent = text;
    item.append(part);
  }
  return item;
}

export function suggest() {
  const box = document.getElementById("search");
  if (!box) return;
  const list = document.createElement("ul");
  list.id = "suggestions";
  list.hidden = true;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", say("search.suggestions"));
  box.after(list);
  for (const [name, value] of [["role", "combobox"], ["aria-autocomplete", "list"], ["aria-controls", list.id], ["aria-expanded", "false"]]) box.setAttribute(name, value);
  let timer = 0;
  let asked = null;
  let chosen = -1;

  function choose(number) {
    chosen = number;
    [...list.children].forEach((item, place) => item.setAttribute("aria-selected", String(place === number)));
    if (number >= 0) box.setAttribute("aria-activedescendant", `suggestion-${number}`);
    else box.removeAttribute("aria-activedescendant");
  }

  function show(hits) {
    list.replaceChildren(...hits.map(option));
    list.hidden = !hits.length;
    box.setAttribute("aria-expanded", String(!list.hidden));
    choose(-1);
  }

  async function look() {
    asked?.abort();
    const typed = box.value.trim();
    if (typed.length < LEAST) return show([]);
    asked = new AbortController();
    try {
      const found = await call("GET", `/v1/search?${new URLSearchParams({ q: typed, limit: MOST })}`, undefined, { signal: asked.signal });
      if (document.activeElement === box) show(found.items);
    } catch (error) {
      if (error.name !== "AbortError") show([]);
    }
  }

  box.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(look, WAIT_MS);
  });
  box.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && !list.hidden) {
      event.preventDefault();
      const count = list.children.length + 1;
      choose(((chosen + 1 + step + count) % count) - 1);
    } else if (event.key === "Enter" && chosen >= 0 && !list.hidden) {
      event.preventDefault();
      location.assign(list.children[chosen].dataset.place);
    } else if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      show([]);
    }
  });
  box.addEventListener("blur", () => show([]));
  list.addEventListener("pointerdown", (event) => {
    const item = event.target.closest("[data-place]");
    if (!item) return;
    event.preventDefault();
    location.assign(item.dataset.place);
  });
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, textarea, select, [contenteditable]");
    if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    box.focus();
    box.select();
  });
}
