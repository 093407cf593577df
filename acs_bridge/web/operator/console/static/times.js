// Times in the zone of whoever looks. The page says them in UTC; `data-form` says how they are shown here.
import { say } from "./say.js";

const zone = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const year = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });
const UNITS = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];

// As acs_bridge.domain.waiting.span does it: one or two units.
function span(seconds) {
  const [unit, length] = UNITS.find(([, size]) => seconds >= 2 * size) ?? UNITS.at(-1);
  const count = Math.floor(seconds / length);
  const minutes = Math.floor((seconds % 3600) / 60);
  return unit === "h" && minutes ? `${count} h ${minutes} min` : `${count} ${unit}`;
}

function words(at, form, now) {
  const seconds = (now - at) / 1000;
  if (form === "ago") {
    if (Math.abs(seconds) < 2) return say("time.now");
    return seconds > 0 ? say("time.ago", { span: span(seconds) }) : say("time.in", { span: span(-seconds) });
  }
  const today = at.toDateString() === now.toDateString();
  if (today) return clock.format(at);
  const date = at.getFullYear() === now.getFullYear() ? day : year;
  return `${date.format(at)} ${clock.format(at)}`;
}

export function localise(root = document) {
  const now = new Date();
  for (const element of root.querySelectorAll("time[datetime]")) {
    const at = new Date(element.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    const shown = words(at, element.dataset.form, now);
    if (element.textContent !== shown) element.textContent = shown;
    element.title = zone.format(at);
  }
}
