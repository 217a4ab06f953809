// Words with a definition: shown on hover and on focus, read by a screen reader, closed by Escape.

import { h, newId } from "/page/dom.js";

let known = new Map();
const tip = document.getElementById("tip");

export function learn(definitions) {
  known = new Map(definitions.map((one) => [one.name, one]));
}

export function term(name, label) {
  const definition = known.get(name);
  if (!definition) return label ?? name;
  const id = newId("definition");
  const text = `${definition.definition} How: ${definition.formula}.`;
  const word = h("dfn", { class: "term", tabindex: "0", "aria-describedby": id }, label ?? definition.label ?? name);
  const show = () => open(word, text);
  for (const event of ["mouseenter", "focus"]) word.addEventListener(event, show);
  for (const event of ["mouseleave", "blur"]) word.addEventListener(event, shut);
  return h("span", { class: "term-box" }, word, h("span", { id, class: "sr" }, text));
}

function open(word, text) {
  tip.textContent = text;
  tip.hidden = false;
  const box = word.getBoundingClientRect();
  const left = Math.min(Math.max(8, box.left), window.innerWidth - tip.offsetWidth - 8);
  const below = box.bottom + 8 + tip.offsetHeight < window.innerHeight;
  tip.style.left = `${left}px`;
  tip.style.top = `${below ? box.bottom + 6 : Math.max(8, box.top - tip.offsetHeight - 6)}px`;
}

function shut() {
  tip.hidden = true;
}

document.addEventListener("keydown", (event) => { if (event.key === "Escape") shut(); });
document.addEventListener("scroll", shut, { passive: true });
