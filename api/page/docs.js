// Reads /openapi.json aloud: every route, what it takes and what it answers. No foreign scripts.

import { clear, h, table } from "/page/dom.js";

const main = document.getElementById("main");
const described = await (await fetch("/openapi.json")).json();
const routes = Object.entries(described.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, route]) => ({ path, method, route })));
const tags = [...new Set(routes.map(({ route }) => route.tags?.[0] ?? "other"))];

clear(main, h("h1", {}, `${described.info.title} API`), described.info.description.split("\n\n").map((text) => h("p", {}, text)),
  tags.map((tag) => h("section", { class: "card", "aria-label": tag }, h("h2", {}, tag),
    routes.filter(({ route }) => (route.tags?.[0] ?? "other") === tag).map(shown))));
main.removeAttribute("aria-busy");

function shown({ path, method, route }) {
  return h("details", {}, h("summary", {}, h("code", {}, `${method.toUpperCase()} ${path}`), ` ${route.summary ?? ""}`),
    h("p", {}, route.description ?? ""), parameters(route), body(route), answers(route));
}

function parameters(route) {
  if (!route.parameters?.length) return null;
  return table("Parameters", [{ label: "Parameter" }, { label: "In" }, { label: "Meaning", wide: true }],
    route.parameters.map((one) => [one.name, one.in, one.description ?? values(one.schema)]));
}

function values(schema) {
  const kinds = [schema, ...(schema.anyOf ?? [])];
  return kinds.map((one) => one.enum?.join(", ") ?? "").filter(Boolean).join("; ") || (schema.type ?? "");
}

function body(route) {
  const schema = route.requestBody?.content?.["application/json"]?.schema?.$ref;
  const example = schema && described.components.schemas[schema.split("/").pop()]?.examples?.[0];
  return example ? h("div", {}, h("h3", {}, "Body, for example"), h("pre", { class: "scroll" }, JSON.stringify(example, null, 2))) : null;
}

function answers(route) {
  return table("Answers", [{ label: "Status" }, { label: "Meaning", wide: true }], Object.entries(route.responses).map(([status, one]) => [status, one.description]));
}
