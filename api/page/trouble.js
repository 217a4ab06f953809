// A refusal of the service in words: what, why, and what to do. Never raw JSON.

import { h } from "/page/dom.js";

export function trouble(problem) {
  return h("section", { class: "problem", role: "alert", tabindex: "-1" },
    h("h2", {}, problem.title),
    h("p", {}, problem.detail),
    problem.errors?.length ? h("ul", {}, problem.errors.map((one) =>
      h("li", {}, h("strong", {}, one.field), `: ${one.problem}. `, h("em", {}, capital(one.fix)), "."))) : null);
}

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

// A sentence of the service; commands in it stand between backticks.
export function told(text) {
  return text.split("`").map((part, at) => (at % 2 ? h("code", {}, part) : part));
}
