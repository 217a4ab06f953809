// The form of a new campaign. The plan is asked for and shown first; only a plan that fits can be saved.

import { ask, once, Problem } from "/page/client.js";
import { clear, h, newId, say } from "/page/dom.js";
import { trouble } from "/page/trouble.js";
import { planned } from "/page/plan.js";

export async function create() {
  const account = await ask("/v1/account");
  const form = h("form", { class: "wide card", novalidate: true });
  const plan = h("div", { id: "plan" });
  const state = { form, plan, ticket: once(), ready: false };
  form.append(basics(account.networks), periods(), competitors(),
    h("div", { class: "actions" }, h("button", { type: "submit" }, "Show the plan"),
      h("span", { class: "hint" }, "Nothing is saved yet.")));
  form.addEventListener("submit", (event) => { event.preventDefault(); check(state); });
  form.addEventListener("input", () => stale(state));
  return h("div", {}, h("div", { class: "page-head" }, h("h1", {}, "New campaign")), form, plan);
}

function basics(networks) {
  const boxes = networks.map((name) => h("label", {},
    h("input", { type: "checkbox", name: "networks", value: name, checked: true }), name));
  return h("div", { class: "fields" },
    field("name", "Name", h("input", { name: "name", required: true, maxlength: "120", autocomplete: "off" }), "As it shall stand above the report."),
    field("hashtags", "Hashtags", h("input", { name: "hashtags", autocomplete: "off", autocapitalize: "off", spellcheck: "false", placeholder: "#nike #justdoit" }), "Separated by spaces."),
    field("profiles", "Profiles (optional)", h("input", { name: "profiles", autocomplete: "off", autocapitalize: "off", spellcheck: "false", placeholder: "@nike" }), "Handles as the network shows them."),
    h("fieldset", { class: "field", "data-field": "networks" }, h("legend", {}, "Networks"),
      networks.length ? h("div", { class: "checks" }, boxes) : h("p", { class: "notice" }, "No network is set up yet. The operator adds accounts in taglake.toml.")));
}

function periods() {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "UTC";
  const zones = h("datalist", { id: "zones" }, (Intl.supportedValuesOf?.("timeZone") ?? ["UTC"]).map((name) => h("option", { value: name })));
  return h("div", { class: "fields" },
    field("start", "First day", h("input", { name: "start", type: "date", required: true })),
    field("end", "Last day", h("input", { name: "end", type: "date", required: true })),
    field("baseline_days", "Days before, to compare", h("input", { name: "baseline_days", type: "number", min: "0", max: "92", value: "7" })),
    field("after_days", "Days after", h("input", { name: "after_days", type: "number", min: "0", max: "92", value: "7" })),
    field("timezone", "Time zone", h("input", { name: "timezone", list: "zones", value: zone, autocomplete: "off" }), "Days begin at midnight there."), zones);
}

function competitors() {
  const rows = h("div", {});
  const add = () => { rows.append(rival(rows)); rows.lastChild.querySelector("input").focus(); };
  return h("fieldset", { class: "field full", "data-field": "competitors" }, h("legend", {}, "Competitors (optional)"),
    h("p", { class: "hint" }, "The comparison group: without one, a change can only be observed, not called a lift."), rows,
    h("p", {}, h("button", { type: "button", class: "quiet small", onclick: add }, "Add a competitor")));
}

function rival(rows) {
  const [name, tags] = [newId("rival"), newId("rival")];
  const row = h("div", { class: "rival" },
    h("div", { class: "field" }, h("label", { for: name }, "Competitor's name"), h("input", { id: name, name: "rival", maxlength: "120" })),
    h("div", { class: "field" }, h("label", { for: tags }, "Its hashtags"), h("input", { id: tags, name: "rival_tags", placeholder: "#adidas", autocapitalize: "off" })),
    h("button", { type: "button", class: "quiet", onclick: () => { row.remove(); rows.closest("form").dispatchEvent(new Event("input")); } }, "Remove"));
  return row;
}

function field(name, label, input, hint) {
  const id = newId(name);
  input.id = id;
  if (hint) input.setAttribute("aria-describedby", `${id}-hint`);
  return h("div", { class: "field", "data-field": name }, h("label", { for: id }, label), input,
    hint ? h("span", { class: "hint", id: `${id}-hint` }, hint) : null);
}

const words = (text, sign) => text.split(/[\s,;]+/).filter(Boolean).map((word) => (word.startsWith(sign) ? word.slice(1) : word));

function draft(form) {
  const given = new FormData(form);
  const names = given.getAll("rival");
  const tags = given.getAll("rival_tags");
  return {
    name: given.get("name").trim(),
    networks: given.getAll("networks"),
    hashtags: words(given.get("hashtags"), "#"),
    profiles: words(given.get("profiles"), "@"),
    timezone: given.get("timezone").trim(),
    start: given.get("start"),
    end: dayAfter(given.get("end")),
    baseline_days: Number(given.get("baseline_days")),
    after_days: Number(given.get("after_days")),
    competitors: names.map((name, at) => ({ name: name.trim(), hashtags: words(tags[at], "#") })).filter((one) => one.name || one.hashtags.length),
  };
}

// The API's `end` is excluded, a person's last day is included.
function dayAfter(day) {
  if (!day) return "";
  const next = new Date(`${day}T00:00:00Z`);
  next.setUTCDate(next.getUTCDate() + 1);
  return next.toISOString().slice(0, 10);
}

async function check(state) {
  unmark(state.form);
  say("The plan is being made");
  try {
    const plan = await ask("/v1/campaigns?dry_run=true", { method: "POST", body: draft(state.form) });
    state.ready = true;
    clear(state.plan, proposal(plan, state));
    state.plan.querySelector("h2").focus();
  } catch (error) {
    refused(error, state);
  }
}

function proposal(plan, state) {
  const save = h("button", { type: "button", onclick: () => store(state, save) }, "Create the campaign");
  return h("section", { class: "card plan", "aria-labelledby": "plan-title" },
    h("h2", { id: "plan-title", tabindex: "-1" }, plan.fits ? "The plan: this fits" : "The plan: this does not fit"), planned(plan),
    plan.fits ? h("div", { class: "actions" }, save) : h("p", { class: "notice" }, "Change the campaign above, then look at the plan again."));
}

async function store(state, button) {
  button.disabled = true;
  try {
    const made = await ask("/v1/campaigns", { method: "POST", body: draft(state.form), headers: { "Idempotency-Key": state.ticket } });
    say("The campaign is created");
    location.hash = `#/campaigns/${made.id}`;
  } catch (error) {
    button.disabled = false;
    state.ticket = once();
    refused(error, state);
  }
}

function refused(error, state) {
  if (!(error instanceof Problem)) throw error;
  const { problem } = error;
  clear(state.plan, trouble(problem), problem.plan ? h("section", { class: "card plan" }, planned(problem.plan)) : null);
  for (const one of problem.errors ?? []) mark(state.form, one);
  (state.form.querySelector("[aria-invalid]") ?? state.plan.querySelector("[tabindex]")).focus();
  say(`${problem.title}. ${problem.detail}`);
}

function mark(form, one) {
  const box = form.querySelector(`[data-field="${CSS.escape(one.field.split(/[.[]/)[0])}"]`);
  if (!box) return;
  const input = box.querySelector("input");
  const id = newId("wrong");
  box.append(h("p", { class: "wrong", id }, `${one.problem}: ${one.fix}`));
  if (!input) return;
  input.setAttribute("aria-invalid", "true");
  input.setAttribute("aria-describedby", [input.getAttribute("aria-describedby"), id].filter(Boolean).join(" "));
}

function unmark(form) {
  for (const note of form.querySelectorAll(".wrong")) note.remove();
  for (const input of form.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
}

function stale(state) {
  if (!state.ready) return;
  state.ready = false;
  state.ticket = once();
  clear(state.plan, h("p", { class: "notice" }, "The form changed: look at the plan again."));
}
