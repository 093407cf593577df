// The catalogue of texts for our scripts, as texts.py has it for the templates.
import texts from "./texts.js";

export function say(name, places = {}) {
  const plain = texts[name] ?? ("count" in places ? texts[`${name}.${places.count === 1 ? "one" : "other"}`] : undefined);
  if (plain === undefined) throw new Error(`texts.toml has no ${name}`);
  return plain.replace(/\{(\w+)\}/g, (_, place) => String(places[place]));
}
