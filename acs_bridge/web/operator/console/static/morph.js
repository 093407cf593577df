// Makes an element like another one, touching only what differs: focus, typed text, ticks, open menus and scrolling stay,
// and so does what a script has said (`data-said`).

const same = (a, b) => a.nodeType === b.nodeType && a.nodeName === b.nodeName && (a.id || "") === (b.id || "");
// What its user may have changed is theirs: the server's word counts only when it is a new element.
const USERS = { INPUT: ["value", "checked"], DETAILS: ["open"], OPTION: ["selected"], DIALOG: ["open"] };
// What forms.js has put on a field stays until it takes it away.
const OURS = ["aria-invalid", "aria-describedby", "data-described"];

function attributes(old, fresh) {
  const theirs = [...(USERS[old.nodeName] ?? []), ...("described" in old.dataset ? OURS : [])];
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && !theirs.includes(name)) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value && !theirs.includes(name)) old.setAttribute(name, value);
  }
}

const said = (node) => node?.nodeType === Node.ELEMENT_NODE && "said" in node.dataset;

function unsaid(node) {
  let found = node;
  while (said(found)) found = found.nextSibling;
  return found;
}

export function morph(old, fresh) {
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  if (old.nodeName === "TIME") {
    // its text is the script's, in the viewer's zone
    attributes(old, fresh);
    return;
  }
  attributes(old, fresh);
  if (old.nodeName !== "TEXTAREA" && old.nodeName !== "SELECT") children(old, fresh);
}

function children(old, fresh) {
  const named = new Map([...old.children].filter((child) => child.id).map((child) => [child.id, child]));
  let at = unsaid(old.firstChild);
  for (const next of [...fresh.childNodes]) {
    const known = next.id ? named.get(next.id) : undefined;
    if (known) {
      if (known === at) at = unsaid(at.nextSibling);
      else old.insertBefore(known, at);
      morph(known, next);
    } else if (at && !at.id && same(at, next)) {
      const here = at;
      at = unsaid(at.nextSibling);
      morph(here, next);
    } else {
      old.insertBefore(document.importNode(next, true), at);
    }
  }
  while (at) {
    const gone = at;
    at = unsaid(at.nextSibling);
    gone.remove();
  }
}
