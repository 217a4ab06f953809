// Starts the page: the key, the theme switch, and which view an address means.

import { key, ask, Problem } from "/page/client.js";
import { clear, h, say } from "/page/dom.js";
import { learn } from "/page/terms.js";
import { trouble } from "/page/trouble.js";
import { list } from "/page/campaigns.js";
import { communities } from "/page/communities.js";
import { create } from "/page/form.js";
import { report } from "/page/report.js";

const main = document.getElementById("main");
const nav = document.getElementById("nav");
const views = [[/^#\/campaigns$/, list], [/^#\/new$/, create], [/^#\/communities$/, communities], [/^#\/campaigns\/([\w-]+)$/, report]];
let visit = 0;

// A link may bring the key behind '#', which browsers never send. It is taken and wiped at once.
function takeKey() {
  const given = new URLSearchParams(location.hash.slice(1));
  if (!given.has("key")) return;
  key.set(given.get("key"));
  const campaign = given.get("campaign");
  history.replaceState(null, "", campaign ? `#/campaigns/${encodeURIComponent(campaign)}` : "#/campaigns");
}

async function show() {
  takeKey();
  const mine = ++visit;
  if (!key.get()) return gate();
  const found = views.find(([pattern]) => pattern.test(location.hash)) ?? views[0];
  main.setAttribute("aria-busy", "true");
  try {
    await welcome();
    const content = await found[1](...(location.hash.match(found[0]) ?? []).slice(1));
    if (mine === visit) settle(content);
  } catch (error) {
    if (mine === visit) fail(error);
  }
}

let account = null;
async function welcome() {
  if (!account) {
    const [me, terms] = await Promise.all([ask("/v1/account"), ask("/v1/definitions")]);
    account = me;
    learn(terms.definitions);
  }
  document.getElementById("who").textContent = account.client.name;
  nav.hidden = false;
  document.getElementById("leave").hidden = false;
  for (const link of nav.querySelectorAll("a")) {
    if (link.hash === (location.hash || "#/campaigns")) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

function settle(content) {
  main.removeAttribute("aria-busy");
  clear(main, content);
  const heading = main.querySelector("h1");
  document.title = heading ? `${heading.textContent} - taglake` : "taglake";
  say(heading ? `${heading.textContent} is shown` : "");
  if (visit > 1) main.focus({ preventScroll: true });  // not on arrival: a reader starts at the top
  window.scrollTo(0, 0);
}

function fail(error) {
  const problem = error instanceof Problem ? error.problem : { title: "The page failed", detail: "Reload it. If it stays so, tell the operator." };
  if (!(error instanceof Problem)) console.error(error);
  if (problem.status === 401) {
    leave();
    return gate(problem);
  }
  settle(h("div", {}, h("h1", { class: "sr" }, problem.title), trouble(problem), h("p", {}, h("a", { href: "#/campaigns" }, "Back to the campaigns"))));
  return undefined;
}

function gate(problem) {
  const field = h("input", { id: "key", name: "key", type: "password", autocomplete: "off", required: true, placeholder: "pk_..." });
  const enter = (event) => {
    event.preventDefault();
    key.set(field.value.trim());
    show();
  };
  settle(h("section", { class: "card gate" },
    h("h1", {}, "Open your campaigns"),
    h("p", { class: "hint" }, "Enter the API key you were given. It stays in this tab and is forgotten when you close it."),
    problem ? trouble(problem) : null,
    h("form", { onsubmit: enter, class: "gate-form field" }, h("label", { for: "key" }, "API key"), field,
      h("button", { type: "submit" }, "Open"))));
}

function leave() {
  key.forget();
  account = null;
  nav.hidden = true;
  document.getElementById("who").textContent = "";
  document.getElementById("leave").hidden = true;
}

function theme() {
  const button = document.getElementById("theme");
  const dark = () => document.documentElement.dataset.theme
    ? document.documentElement.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  const mark = () => button.setAttribute("aria-pressed", String(dark()));
  const changed = () => { mark(); document.dispatchEvent(new Event("themechange")); };
  button.addEventListener("click", () => {
    const next = dark() ? "light" : "dark";
    document.documentElement.dataset.theme = next;
    localStorage.setItem("theme", next);
    changed();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
  mark();
}

document.getElementById("skip").addEventListener("click", (event) => {
  event.preventDefault();  // the fragment is our route
  main.focus();
});
document.getElementById("leave").addEventListener("click", () => { leave(); gate(); });
window.addEventListener("hashchange", show);
theme();
show();
