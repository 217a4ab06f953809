// Builds elements. Text goes in as text nodes only: what strangers posted can never become markup.

export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) set(element, name, value);
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return element;
}

function set(element, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
  else if (name === "value") element.value = value;
  else element.setAttribute(name, value === true ? "" : String(value));
}

export function clear(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter(Boolean));
  return element;
}

// Links of strangers: only the web, never javascript:, and the other side does not learn where we are.
export function outward(address, ...children) {
  if (!/^https?:\/\//i.test(address ?? "")) return h("span", {}, ...children);
  return h("a", { href: address, target: "_blank", rel: "noopener noreferrer nofollow" }, ...children);
}

export function say(text) {
  document.getElementById("status").textContent = text;
}

let serial = 0;
export function newId(prefix) {
  serial += 1;
  return `${prefix}-${serial}`;
}

// The head of a column of numbers.
export function number(label) {
  return { label, number: true };
}

// A number of a list with its name, and what it stands on.
export function fact(label, value, note = null) {
  return h("div", {}, h("dt", {}, label), h("dd", {}, value, note ? h("small", {}, note) : null));
}

// A table that scrolls sideways inside its own box, so that the page never does.
export function table(caption, heads, rows, empty = "Nothing here yet.") {
  if (!rows.length) return h("p", { class: "empty" }, empty);
  const head = h("tr", {}, heads.map((one) =>
    h("th", { scope: "col", class: one.number ? "number" : null }, one.label)));
  const body = rows.map((cells) => h("tr", {}, cells.map((cell, at) => at === 0
    ? h("th", { scope: "row", class: heads[at].wide ? "wide" : null }, cell)
    : h("td", { class: [heads[at].number ? "number" : "", heads[at].wide ? "wide" : ""].join(" ").trim() || null }, cell))));
  const box = h("table", {}, h("caption", { class: "sr" }, caption), h("thead", {}, head), h("tbody", {}, body));
  return h("div", { class: "scroll", role: "region", "aria-label": caption, tabindex: "0" }, box);
}
