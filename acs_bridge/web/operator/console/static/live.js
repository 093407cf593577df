// Keeps a page up to date: what has an id and `data-live` is taken from the same page, fetched again when writes move.
//
// The same when a brake, the limit or the gateways on record change. However many moves there are, a page is fetched at most once in GATHER_MS, never twice at a time, and not at all while
// nobody looks at it. Without moves it is fetched now and then, because sentences grow old.
import { page } from "./api.js";
import { lost } from "./connection.js";
import { morph } from "./morph.js";
import { localise } from "./times.js";

const GATHER_MS = 1000;
const ANYWAY_MS = 10000;
let stream = null;
let under_way = null;
let after_it = null;
let again = false;
let timer = 0;

const regions = () => document.querySelectorAll("[data-live][id]");

// Who had the focus on something that is gone is left where it was, and not at the beginning of the page.
function keepFocus(held, region) {
  if (!region || held.isConnected || document.activeElement !== document.body) return;
  region.tabIndex = -1;
  region.focus({ preventScroll: true });
}

async function fetched() {
  const fresh = await page(location.pathname + location.search);
  if (!fresh) return;
  const held = document.activeElement;
  const around = held?.closest("[data-live][id]");
  for (const region of regions()) {
    const next = fresh.getElementById(region.id);
    if (next && !region.contains(document.querySelector("dialog[open]"))) morph(region, next);
  }
  keepFocus(held, around);
  localise();
  document.dispatchEvent(new Event("refreshed"));
}

// Fetches the page again, as it is from now on; a promise of when that is done.
export function refresh() {
  if (under_way) {
    after_it ??= under_way.then(() => { after_it = null; return refresh(); });
    return after_it;
  }
  clearTimeout(timer);
  under_way = fetched().catch(() => {}).finally(() => {
    under_way = null;
    clearTimeout(timer);
    timer = setTimeout(tick, again ? GATHER_MS : ANYWAY_MS);
    again = false;
  });
  return under_way;
}

function tick() {
  if (document.visibilityState === "visible") refresh();
}

// Once more a moment later when nothing else comes: what the daemon has counted may be a second old.
function soon() {
  again = true;
  if (under_way) return;
  clearTimeout(timer);
  timer = setTimeout(tick, 0);
}

function open() {
  if (stream || document.visibilityState !== "visible") return;
  const url = new URL("/v1/events", location.href);
  url.searchParams.set("coalesce_ms", String(GATHER_MS));
  const line = document.body.querySelector("[data-live-line]")?.dataset.liveLine;
  if (line) url.searchParams.set("line_of_service", line);
  stream = new EventSource(url);
  stream.addEventListener("changes", soon);
  stream.addEventListener("records", soon);
  stream.addEventListener("reset", soon);
  stream.addEventListener("error", () => {
    if (document.visibilityState !== "visible") return;
    if (stream.readyState === EventSource.CLOSED) {
      stream = null;
      refresh().then(() => setTimeout(open, ANYWAY_MS));
    } else {
      lost();
    }
  });
}

// A browser has few connections to one host: only the page that somebody looks at keeps one.
function close() {
  stream?.close();
  stream = null;
  clearTimeout(timer);
}

export function keepLive() {
  if (!regions().length) return;
  open();
  timer = setTimeout(tick, ANYWAY_MS);
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") {
      open();
      refresh();
    } else {
      close();
    }
  });
  document.addEventListener("connection-back", () => { open(); refresh(); });
  window.addEventListener("pagehide", close);
}
