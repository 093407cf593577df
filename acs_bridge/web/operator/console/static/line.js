// The page of one line: a PHAN URL that was revealed, for a minute; and forms after which the page is another one.
const SHOWN_MS = 60000;
let timer = 0;

function hide(box) {
  box.hidden = true;
  box.querySelector("output").textContent = "";
}

function reveal(url) {
  const box = document.getElementById("revealed");
  const shown = box.querySelector("output");
  shown.textContent = url;
  box.hidden = false;
  clearTimeout(timer);
  timer = setTimeout(() => hide(box), SHOWN_MS);
}

document.addEventListener("done", (event) => {
  const form = event.target;
  if ("reveal" in form.dataset) reveal(event.detail.phan_url);
  if ("reload" in form.dataset) location.replace(location.pathname);
});

document.querySelector("#revealed button")?.addEventListener("click", (event) => {
  const shown = document.querySelector("#revealed output");
  navigator.clipboard?.writeText(shown.textContent).catch(() => {});
  getSelection().selectAllChildren(shown);
  event.target.focus();
});
