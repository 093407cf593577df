// The catalogue of texts for our scripts, as texts.py has it for the templates.
import texts from "./texts.js";

// What the daemon says against something is the end of a line in a log; here it is a sentence (rendering.py does the same).
export const sentence = (words) => `${words.slice(0, 1).toUpperCase()}${words.slice(1)}${/[.!?]$/.test(words) ? "" : "."}`;

export function say(name, places = {}) {
  const plain = texts[name] ?? ("count" in places ? texts[`${name}.${places.count === 1 ? "one" : "other"}`] : undefined);
  if (plain === undefined) throw new Error(`texts.toml has no ${name}`);
  return plain.replace(/\{(\w+)\}/g, (_, place) => String(places[place]));
}
