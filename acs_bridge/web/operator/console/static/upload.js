// The upload of a table, in parts: a browser sends everything before it reads, and the daemon reads on only when its
// answers are read. Each part has the header and belongs to the batch of the first one; one that was lost is sent again,
// which does nothing twice.
import { Problem, upload } from "./api.js";
import { refresh } from "./live.js";
import { say } from "./say.js";
import { rowsOf, written } from "./table.js";

const PART_ROWS = 500;
const READ_BYTES = 1 << 20;
const SHOWN = 100;
const PATH = "/v1/provisioning-requests";
const LF = 10;
const element = (id) => document.getElementById(`upload-${id}`);
let job = null;

// Gives the lines of a file, with their ends, some at a time; a row is a line.
async function* lines(file) {
  let rest = new Uint8Array();
  for (let at = 0; at < file.size; at += READ_BYTES) {
    const read = new Uint8Array(await file.slice(at, at + READ_BYTES).arrayBuffer());
    const bytes = new Uint8Array(rest.length + read.length);
    bytes.set(rest);
    bytes.set(read, rest.length);
    let begin = 0;
    for (let end = bytes.indexOf(LF); end >= 0; end = bytes.indexOf(LF, begin)) {
      yield bytes.subarray(begin, end + 1);
      begin = end + 1;
    }
    rest = bytes.slice(begin);
  }
  if (rest.length) yield rest;
}

// Gives parts of so many lines each, with the number of the first and the bytes of the file up to the last.
async function* parts(file) {
  let number = 0;
  let bytes = 0;
  let part = [];
  for await (const line of lines(file)) {
    number += 1;
    bytes += line.length;
    if (number === 1) {
      yield { header: line };
      continue;
    }
    part.push(line.slice());
    if (part.length < PART_ROWS) continue;
    yield { lines: part, first: number - part.length + 1, bytes };
    part = [];
  }
  if (part.length || number === 1) yield { lines: part, first: number - part.length + 1, bytes };
}

function show() {
  element("told").hidden = false;
  element("progress").max = Math.max(job.size, 1);
  element("progress").value = job.bytes;
  const counted = say("upload.counted", { done: job.done, refused: job.refused });
  element("state").textContent = job.over ? `${say(`upload.${job.over}`)} ${counted}` : `${say("upload.under_way")} ${counted}`;
  element("stop").hidden = Boolean(job.over);
  element("results").hidden = !job.over || !job.results.length;
  document.querySelector("#upload-form button.main").disabled = !job.over;
}

function add(row) {
  const [line, status] = row;
  const made = Number(status) < 300;
  job[made ? "done" : "refused"] += 1;
  if (made || job.refused > SHOWN) return;
  const shown = document.createElement("tr");
  const named = [["upload.row", line], ["upload.line", job.names.get(Number(line)) ?? ""], ["upload.result", row.at(-1)]];
  for (const [label, text] of named) {
    const place = shown.insertCell();
    place.dataset.label = say(label);
    const isolated = document.createElement("bdi");
    isolated.textContent = text;
    place.append(isolated);
  }
  element("rows").hidden = false;
  element("rows").tBodies[0].append(shown);
}

// What stands in the column of the line of service, for those that are shown.
function remember(part) {
  job.names.clear();
  const [header] = rowsOf(new TextDecoder().decode(job.header).replace("\uFEFF", "").replaceAll(/[;\t]/g, ","));
  const column = header?.findIndex((name) => name.trim().toLowerCase() === "line_of_service") ?? -1;
  const separator = [";", "\t"].find((each) => new TextDecoder().decode(job.header).includes(each)) ?? ",";
  part.lines.forEach((line, index) => {
    const [cells] = rowsOf(new TextDecoder().decode(line).replaceAll(separator, ","));
    job.names.set(part.first + index, cells?.[column] ?? "");
  });
}

function take(answer, part) {
  const [header, ...rows] = rowsOf(answer);
  if (!job.results.length) job.results.push(written([header]));
  remember(part);
  for (const row of rows) {
    row[0] = String(Number(row[0]) + part.first - 2);
    add(row);
  }
  job.results.push(written(rows));
  job.bytes = part.bytes;
}

async function run(file) {
  for await (const part of parts(file)) {
    if (part.header) {
      job.header = part.header.at(-1) === LF ? part.header : new Uint8Array([...part.header, LF]);
      continue;
    }
    const body = new Blob([job.header, ...part.lines]);
    const { text, batch } = await upload(PATH, body, { batch: job.batch, signal: job.stopping.signal });
    job.batch = batch;
    take(text, part);
    show();
  }
}

function end(over) {
  job.over = over;
  if (job.results.length) {
    URL.revokeObjectURL(element("results").href);
    element("results").href = URL.createObjectURL(new Blob(job.results, { type: "text/csv" }));
    element("results").download = `results-${job.name}`;
  }
  const hidden = job.refused - SHOWN;
  element("more").hidden = hidden <= 0;
  if (hidden > 0) element("more").textContent = say("upload.more", { count: hidden });
  show();
}

function complain(text) {
  const file = element("file");
  const field = file.closest(".field");
  field.querySelector("[data-said]")?.remove();
  file.toggleAttribute("aria-invalid", Boolean(text));
  if (!text) return file.removeAttribute("aria-describedby");
  const said = document.createElement("p");
  said.className = "error";
  said.id = "upload-file-said";
  said.dataset.said = "";
  said.textContent = text;
  file.setAttribute("aria-invalid", "true");
  file.setAttribute("aria-describedby", said.id);
  field.append(said);
  return file.focus();
}

async function begin(event) {
  event.preventDefault();
  if (job && !job.over) return;
  const [file] = element("file").files;
  complain(file ? (file.size ? "" : say("upload.empty")) : say("upload.none"));
  if (!file?.size) return;
  job = { name: file.name, size: file.size, bytes: 0, done: 0, refused: 0, results: [], names: new Map(), stopping: new AbortController() };
  element("rows").hidden = true;
  element("rows").tBodies[0].replaceChildren();
  show();
  try {
    await run(file);
    end("over");
  } catch (error) {
    end(error.name === "AbortError" ? "stopped" : "broken");
    if (error instanceof Problem) complain(error.errors.map((each) => `${each.field} ${each.message}`).join("; ") || error.message);
    else if (error.name !== "AbortError") complain(say("upload.unreadable"));
  }
  refresh();
}

document.getElementById("upload-form").addEventListener("submit", begin);
element("stop").addEventListener("click", () => job.stopping.abort());
window.addEventListener("beforeunload", (event) => {
  if (job && !job.over) event.preventDefault();
});
