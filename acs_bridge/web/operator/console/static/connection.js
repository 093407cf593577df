// The banner that says that the connection is lost, and takes itself back when it is there again.
import { say } from "./say.js";

const AGAIN_MS = 3000;
const GOOD_MS = 4000;
let away = false;
let over = false;

const banner = () => document.getElementById("connection");

function show(words, kind) {
  const element = banner();
  if (!element) return;
  element.className = `banner ${kind}`;
  element.replaceChildren(words);
  element.hidden = false;
}

// Nobody answered: say so, and ask until somebody does.
export function lost() {
  if (away || over) return;
  away = true;
  show(say("connection.lost"), "lost");
  setTimeout(look, AGAIN_MS);
}

async function look() {
  if (!away) return;
  try {
    const response = await fetch("/healthz", { cache: "no-store", signal: AbortSignal.timeout(AGAIN_MS) });
    if (response.ok) return answered();
  } catch {
    // still nobody there
  }
  setTimeout(look, AGAIN_MS);
}

// Somebody answered.
export function answered() {
  if (!away) return;
  away = false;
  if (over) return;
  show(say("connection.back"), "back");
  setTimeout(() => { if (!away && !over) banner().hidden = true; }, GOOD_MS);
  document.dispatchEvent(new Event("connection-back"));
}

// The session is over: what was typed stays, and a link leads to the login in another tab.
export function loggedOut() {
  if (over) return;
  over = true;
  const link = document.createElement("a");
  link.href = `/login?next=${encodeURIComponent(location.pathname + location.search)}`;
  link.textContent = say("connection.log_in");
  const words = document.createElement("span");
  words.append(say("connection.logged_out"), " ", link);
  show(words, "lost");
}
