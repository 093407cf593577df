// The page of one line: a PHAN URL that was revealed, for a minute, and what was recorded of its gateway's sessions.
import { say } from "./say.js";

const SHOWN_MS = 60000;
const box = document.getElementById("revealed");
let timer = 0;

function hide() {
  clearTimeout(timer);
  box.hidden = true;
  box.querySelector("output").textContent = "";
}

function reveal(url) {
  hide();
  box.querySelector("output").textContent = url;
  box.hidden = false;
  timer = setTimeout(hide, SHOWN_MS);
}

function read(text) {
  document.getElementById("transcript-said")?.remove();
  if (!text) return;
  const shown = document.createElement("pre");
  shown.id = "transcript-said";
  shown.className = "code";
  shown.tabIndex = 0;
  shown.setAttribute("role", "region");
  shown.setAttribute("aria-label", say("transcript.said"));
  shown.dataset.said = "";
  shown.textContent = text;
  document.querySelector("#transcript .giving").append(shown);
  shown.focus();
}

document.addEventListener("done", ({ target: form, detail }) => {
  if ("reveal" in form.dataset) reveal(detail.phan_url);
  else if (form.id === "transcript-read") read(detail);
  else if (form.id === "transcript-forget") read("");
  else if (box) hide(); // what was done may have made another URL
});

box?.querySelector("button").addEventListener("click", (event) => {
  const shown = box.querySelector("output");
  navigator.clipboard?.writeText(shown.textContent).catch(() => {});
  getSelection().selectAllChildren(shown);
  event.target.focus();
});
