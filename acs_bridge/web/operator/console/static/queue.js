// Moves all writes of one fault, a part at a time: a hundred thousand of them hold nobody up, and show how far they are.
import { call } from "./api.js";
import { confirmed } from "./forms.js";
import { refresh } from "./live.js";
import { say } from "./say.js";

const STUCK = ["rejected", "failed"];
const AT_A_TIME = 100;

function tell(words, bad = false) {
  const shown = document.getElementById("faults-done");
  shown.textContent = words;
  shown.className = bad ? "refusal" : "done";
  shown.hidden = false;
}

// Gives how many were moved, and those that could not be.
async function moveAll(what, fault) {
  let moved = 0;
  const refused = [];
  for (const state of STUCK) {
    let cursor;
    do {
      const answer = await call("POST", `/v1/writes/${what}`, { fault, state, limit: AT_A_TIME, cursor });
      moved += answer.moved;
      refused.push(...answer.refused);
      cursor = answer.next ?? undefined;
      if (cursor) tell(say("faults.under_way", { count: moved }));
    } while (cursor);
  }
  return { moved, refused };
}

async function pressed(button) {
  const { fault } = button.closest("[data-fault]").dataset;
  if (!(await confirmed(button.dataset.confirm))) return;
  for (const each of document.querySelectorAll("[data-bulk]")) each.disabled = true;
  try {
    const { moved, refused } = await moveAll(button.dataset.bulk, fault);
    const words = [say("faults.moved", { count: moved })];
    if (refused.length) words.push(say("faults.refused", { count: refused.length, detail: refused[0].detail }));
    tell(words.join(" "), refused.length > 0);
  } catch (error) {
    tell(error.message || say("connection.lost"), true);
  } finally {
    for (const each of document.querySelectorAll("[data-bulk]")) each.disabled = false;
    await refresh();
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-bulk]");
  if (button) pressed(button);
});
