// The two panels of the Provisioning page: a line that is clicked is copied into its panel, a record that was made is the
// one that its list shows, and what differs from the record is a new one.
import { go } from "./lists.js";

const form = (record) => document.querySelector(`form[data-record="${record}"]`);
const chosen = new Map();

function read(record) {
  return JSON.stringify([...form(record).querySelectorAll("input")].map((field) => [field.name, field.value]));
}

function advise() {
  const advice = document.getElementById("device-advice");
  const looks = new RegExp(`^(?:${advice.dataset.pattern})$`, "i").test(document.getElementById("device-line").value.trim());
  if (advice.hidden !== looks) return;
  advice.hidden = !looks;
  advice.textContent = looks ? advice.dataset.words : "";
}

function fill(record, fields) {
  const panel = form(record);
  for (const field of panel.querySelectorAll("input")) field.value = fields[field.name] ?? "";
  for (const shown of panel.querySelectorAll("[data-said]")) shown.remove();
  for (const field of panel.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
  const more = panel.querySelector("details");
  if (more) more.open = Boolean(fields["gateway.serial_number"]);
  advise();
}

function pick(button) {
  const record = button.dataset.pick;
  fill(record, JSON.parse(button.dataset.fields));
  chosen.set(record, read(record));
  go({ [record]: button.dataset.key }).then(() => document.getElementById("together").scrollIntoView({ block: "nearest" }));
}

function empty(record) {
  fill(record, {});
  chosen.delete(record);
  go({ [record]: null, [`${record}_only`]: null }).then(() => form(record).querySelector("input").focus());
}

for (const record of ["subscriber", "device"]) {
  if (new URL(location.href).searchParams.has(record)) chosen.set(record, read(record));
  form(record).addEventListener("input", () => {
    if (!chosen.has(record) || read(record) === chosen.get(record)) return;
    chosen.delete(record);
    go({ [record]: null, [`${record}_only`]: null });
  });
  form(record).addEventListener("done", (event) => {
    const made = event.detail;
    fill(record, record === "subscriber"
      ? { name: made.name, code: made.code }
      : { line_of_service: made.line_of_service, "gateway.oui": made.gateway?.oui, "gateway.product_class": made.gateway?.product_class, "gateway.serial_number": made.gateway?.serial_number });
    chosen.set(record, read(record));
    document.getElementById(`${record}-search`).value = "";
    go({
      [record]: record === "subscriber" ? made.code : made.line_of_service,
      [`${record}_only`]: "1",
      [`${record}_search`]: null,
      [`${record}_after`]: null,
    });
  });
}

document.getElementById("device-line").addEventListener("input", advise);
document.addEventListener("click", (event) => {
  const emptier = event.target.closest("[data-empty]");
  if (emptier) empty(emptier.dataset.empty);
  // the whole line is to be clicked; by keyboard it is the button in it
  const button = event.target.closest("[data-pick]") ?? event.target.closest(".picks tbody tr")?.querySelector("[data-pick]");
  if (button && !String(getSelection())) pick(button);
});
