// Forms that call /v1:  <form data-api="POST /v1/subscribers">
//
// The fields become the members of a JSON object (`gateway.oui` one inside another; left out when `data-optional` and
// empty; a number with `data-number`, null when empty). A second submit while the first is under way is none. Errors stand
// beside their fields, what was typed stays. When it is done, the form says so with the event `done` (detail: the
// answer), the page is fetched again, and with `data-clear` the form is emptied. `data-confirm` asks first, `data-body` is
// JSON that the fields are added to, `data-then` is called when that went well, and `data-accept` is what is asked for.
// `data-confirm` asks before a plain form too.
import { Offline, call } from "./api.js";
import { refresh } from "./live.js";
import { say, sentence } from "./say.js";

const keys = new WeakMap();

// The same for as long as the same is asked for: a call whose answer was lost can be repeated.
function key(form, body) {
  const said = JSON.stringify(body ?? null);
  if (keys.get(form)?.said !== said) {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    keys.set(form, { said, key: [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("") });
  }
  return keys.get(form).key;
}

function put(body, name, value) {
  const parts = name.split(".");
  const last = parts.pop();
  let place = body;
  for (const part of parts) place = place[part] ??= {};
  place[last] = value;
}

// What is no number goes as it was typed: the daemon says what is wrong with it.
function number(text) {
  if (text.trim() === "") return null;
  return Number.isFinite(Number(text)) ? Number(text) : text;
}

function read(form) {
  const fields = [...form.elements].filter((field) => field.name && !field.disabled && field.type !== "submit");
  const body = JSON.parse(form.dataset.body || "{}");
  for (const field of fields) {
    if (field.type === "checkbox") put(body, field.name, field.checked);
    else if (field.type === "radio" && !field.checked) continue;
    else if (field.value === "" && "optional" in field.dataset) continue;
    else if ("number" in field.dataset) put(body, field.name, number(field.value));
    else put(body, field.name, field.value);
  }
  return fields.length || "body" in form.dataset ? body : undefined;
}

function clean(form) {
  for (const shown of form.querySelectorAll("[data-said]")) shown.remove();
  for (const field of form.querySelectorAll("[aria-invalid]")) {
    field.removeAttribute("aria-invalid");
    if (field.dataset.described) field.setAttribute("aria-describedby", field.dataset.described);
    else field.removeAttribute("aria-describedby");
  }
}

function words(text, className) {
  const shown = document.createElement("p");
  shown.dataset.said = "";
  shown.className = className;
  shown.textContent = sentence(text);
  return shown;
}

function beside(field, message) {
  const shown = words(message, "error");
  shown.id = `${field.id}-said`;
  field.dataset.described ??= field.getAttribute("aria-describedby") ?? "";
  field.setAttribute("aria-invalid", "true");
  field.setAttribute("aria-describedby", `${field.dataset.described} ${shown.id}`.trim());
  (field.closest(".field") ?? field.parentElement).append(shown);
}

function refusal(form, text) {
  const shown = words(text, "refusal");
  shown.setAttribute("role", "alert");
  const place = form.querySelector("[data-refusals]");
  if (place) place.append(shown);
  else form.append(shown);
}

// Shows what the daemon has said against a form; what belongs to no field of it stands in one place.
export function tell(form, problem) {
  clean(form);
  if (problem instanceof Offline) {
    refusal(form, say("connection.no_answer"));
    return;
  }
  const others = [];
  let first = null;
  for (const { field: name, message } of problem.errors ?? []) {
    const field = form.elements.namedItem(name);
    if (field instanceof HTMLElement && field.type !== "hidden") {
      beside(field, message);
      first ??= field;
    } else {
      others.push(`${name}: ${message}`);
    }
  }
  if (!problem.errors?.length) others.push(problem.message || say("error.unforeseen"));
  if (others.length) refusal(form, others.join("; "));
  first?.focus();
}

// Asks before something is done; a promise of the answer.
export function confirmed(words) {
  const dialog = document.getElementById("confirm");
  dialog.querySelector("#confirm-words").textContent = words;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

// Sends a form; what it gives is the answer, or undefined when it did not go well, which is told then.
export async function send(form) {
  if (form.ariaBusy === "true") return undefined;
  const [method, path] = form.dataset.api.split(" ");
  const body = read(form);
  form.ariaBusy = "true";
  try {
    if (form.dataset.confirm && !(await confirmed(form.dataset.confirm))) return undefined;
    const headers = { "Idempotency-Key": key(form, body), ...(form.dataset.accept ? { Accept: form.dataset.accept } : {}) };
    const answer = await call(method, path, body, { headers });
    if (form.dataset.then) await call(...form.dataset.then.split(" "));
    keys.delete(form);
    clean(form);
    if ("clear" in form.dataset) form.reset();
    form.dispatchEvent(new CustomEvent("done", { bubbles: true, detail: answer }));
    await refresh();
    return answer;
  } catch (error) {
    tell(form, error);
    return undefined;
  } finally {
    form.ariaBusy = "false";
  }
}

// A plain form goes by itself when the answer is yes.
async function ask(form) {
  if (await confirmed(form.dataset.confirm)) form.submit();
  else form.ariaBusy = "false";
}

export function takeForms() {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.dataset?.api && !form.dataset?.confirm) return;
    event.preventDefault();
    if (form.dataset.api) send(form);
    else ask(form);
  });
}
