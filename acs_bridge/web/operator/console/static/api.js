// Calls of /v1 with the session of this page. The one place that speaks to the daemon, but for the stream of events.
import { answered, lost, loggedOut } from "./connection.js";

const MOST_SECONDS = 30;

export class Problem extends Error {
  // What the daemon answers when it does not do what it is asked (RFC 9457).
  constructor(status, problem) {
    super(problem.detail ?? problem.title ?? "");
    this.status = status;
    this.errors = problem.errors ?? [];
  }
}

export class Offline extends Error {}

export const csrf = () => document.querySelector('meta[name="csrf-token"]').content;

async function ask(path, options) {
  try {
    return await fetch(path, { ...options, signal: options.signal ?? AbortSignal.timeout(MOST_SECONDS * 1000) });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    lost();
    throw new Offline();
  }
}

// Gives the answer's JSON, or its text where that was asked for (null without a body); throws a Problem, or Offline when
// nobody answers.
export async function call(method, path, body, { headers = {}, signal } = {}) {
  const sent = { Accept: "application/json", "X-CSRF-Token": csrf(), ...headers };
  if (body !== undefined) sent["Content-Type"] = "application/json";
  const response = await ask(path, { method, headers: sent, body: body === undefined ? undefined : JSON.stringify(body), signal });
  answered();
  const type = response.headers.get("Content-Type") ?? "";
  if (response.ok && type.startsWith("text/plain")) return response.text();
  const json = /json/.test(type) ? await response.json() : null;
  if (response.status === 401) loggedOut();
  if (!response.ok) throw new Problem(response.status, json ?? {});
  return json;
}

// Fetches a page of ours as a document; null when the session is over, or when it is no page any more.
export async function page(path, signal) {
  const response = await ask(path, { headers: { Accept: "text/html" }, redirect: "follow", signal });
  answered();
  if (new URL(response.url).pathname === "/login") {
    loggedOut();
    return null;
  }
  return response.ok ? new DOMParser().parseFromString(await response.text(), "text/html") : null;
}

// Sends a part of a table and gives the answer to it, however long the connection is away meanwhile; it does nothing twice.
export async function upload(path, body, { batch, signal }) {
  for (;;) {
    const headers = { Accept: "text/csv", "Content-Type": "text/csv", "X-CSRF-Token": csrf(), ...(batch ? { "Batch-Id": batch } : {}) };
    try {
      const response = await ask(path, { method: "POST", headers, body, signal });
      answered();
      if (response.ok) return { text: await response.text(), batch: response.headers.get("Batch-Id") };
      if (response.status === 401) loggedOut();
      if (![429, 503].includes(response.status)) throw new Problem(response.status, await response.json().catch(() => ({})));
      await pause(Number(response.headers.get("Retry-After") ?? 1) * 1000, signal);
    } catch (error) {
      if (error instanceof Problem || signal.aborted) throw error;
      lost();
      await back(signal);
    }
  }
}

const pause = (milliseconds, signal) => new Promise((resolve, reject) => {
  const timer = setTimeout(resolve, milliseconds);
  signal.addEventListener("abort", () => { clearTimeout(timer); reject(signal.reason); }, { once: true });
});

const back = (signal) => new Promise((resolve, reject) => {
  document.addEventListener("connection-back", resolve, { once: true });
  signal.addEventListener("abort", () => reject(signal.reason), { once: true });
});
