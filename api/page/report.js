// The report of one campaign, from its summary down to how far it can be trusted.

import { audience } from "/page/audience.js";
import { ask, save } from "/page/client.js";
import { h, outward, say, table } from "/page/dom.js";
import { period } from "/page/campaigns.js";
import { effect } from "/page/effect.js";
import { figure } from "/page/figures.js";
import { strip } from "/page/kpis.js";
import { compact, count, decimal, moment } from "/page/numbers.js";
import { quality } from "/page/quality.js";
import { hashtags, posts, publishers, voice } from "/page/ranks.js";
import { term } from "/page/terms.js";
import { trouble } from "/page/trouble.js";
import { planned } from "/page/plan.js";

export async function report(id, asOf = "") {
  const query = asOf ? `&as_of=${encodeURIComponent(asOf)}` : "";
  const base = `/v1/campaigns/${id}`;
  const only = query.replace("&", "?");
  const [campaign, summary, seen, share] = await Promise.all([
    ask(base), ask(`${base}/summary${only}`), ask(`${base}/quality${only}`), ask(`${base}/share-of-voice${only}`)]);
  const zone = campaign.timezone;
  const whose = { id, sides: summary.header.sides.map((side) => side.name) };
  return h("div", { class: "report" },
    head(campaign, summary, id), strip(summary),
    lines(id, query), half(figure(id, "tags", "Posts per tag", query)),
    half(h("div", {}, figure(id, "share-of-voice", "Share of voice", query), voice(share))),
    effect({ id }, query),
    posts(whose, query, zone),
    half(publishers(whose, query), false), half(hashtags(whose, query), false),
    audience({ id }, summary, query),
    spikes(summary, zone), quality(seen, zone), cost(campaign));
}

const card = (...children) => h("section", { class: "card" }, ...children);
function half(content, framed = true) {
  const box = framed ? card(content) : content;
  box.classList.add("half");
  return box;
}

function head(campaign, summary, id) {
  const facts = [["Period", period(campaign)], ["Compared with", `${count(campaign.baseline_days)} days before, ${count(campaign.after_days)} days after`],
    ["Time zone", campaign.timezone], ["Report of", moment(summary.header.instant, campaign.timezone)]];
  return h("header", { class: "report-head" },
    h("div", {}, h("h1", {}, campaign.name),
      h("div", { class: "chips" }, h("span", { class: `chip ${campaign.status}` }, campaign.status),
        campaign.hashtags.map((tag) => h("span", { class: "chip" }, `#${tag}`)), campaign.profiles.map((name) => h("span", { class: "chip" }, `@${name}`)),
        campaign.networks.map((name) => h("span", { class: "chip" }, name)),
        campaign.competitors.length ? h("span", { class: "chip" }, `against ${campaign.competitors.map((one) => one.name).join(", ")}`) : null),
      h("dl", { class: "facts" }, facts.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))))),
    h("div", {}, controls(campaign, id), past(id)));
}

function controls(campaign, id) {
  const act = async (path, method, done) => {
    try {
      await ask(`/v1/campaigns/${id}${path}`, { method });
      say(done);
      if (method === "DELETE") location.hash = "#/campaigns";
      else window.dispatchEvent(new Event("hashchange"));
    } catch (error) { document.querySelector(".report-head").after(trouble(error.problem ?? { title: "Not done", detail: "Try again." })); }
  };
  const exports = ["csv", "jsonl", "parquet"].map((format) => h("button", { type: "button", class: "quiet small",
    onclick: () => save(`/v1/campaigns/${id}/export?format=${format}`, `${id}.${format}`).catch((error) => say(error.message)), "aria-label": `Export the posts as ${format}` }, format.toUpperCase()));
  const pause = campaign.status === "active" ? ["Pause", "/pause"] : ["Resume", "/resume"];
  return h("div", { class: "menu", role: "group", "aria-label": "Campaign" }, h("span", { class: "hint" }, "Export"), exports,
    campaign.status === "ended" ? null : h("button", { type: "button", class: "quiet small", onclick: () => act(pause[1], "POST", `${pause[0]}d`) }, pause[0]),
    h("button", { type: "button", class: "quiet small danger", onclick: () => confirmed(campaign.name, () => act("", "DELETE", "Deleted")) }, "Delete"));
}

function confirmed(name, go) {
  const box = h("dialog", { "aria-labelledby": "sure" }, h("h2", { id: "sure" }, `Delete “${name}”?`),
    h("p", {}, "It is no longer watched and its report is gone. Posts that were collected stay in the lake."),
    h("form", { method: "dialog", class: "actions" }, h("button", { value: "no", class: "quiet" }, "Keep it"), h("button", { value: "yes" }, "Delete it")));
  box.addEventListener("close", () => { if (box.returnValue === "yes") go(); box.remove(); });
  document.body.append(box);
  box.showModal();
}

// The report as it was at an instant of the past; the browser's own zone, as the control shows it.
function past(id) {
  const field = h("input", { type: "datetime-local", id: "as-of" });
  const show = async (event) => {
    event.preventDefault();
    const at = field.value ? new Date(field.value).toISOString() : "";
    const main = document.getElementById("main");
    try {
      main.replaceChildren(await report(id, at));
      say(at ? `The report as of ${moment(at)}` : "The report as of now");
    } catch (error) { main.prepend(trouble(error.problem ?? { title: "Not shown", detail: "Choose another time." })); }
  };
  return h("details", { class: "past" }, h("summary", {}, "Show the report as it was"), h("form", { class: "asof", onsubmit: show },
    h("div", { class: "field" }, h("label", { for: "as-of" }, "Date and time"), field), h("button", { type: "submit", class: "quiet" }, "Show")));
}

// One card, two lines to choose from: both on one axis would only show the larger.
function lines(id, query) {
  const place = h("div", {}, figure(id, "timeline", "Posts over time", query));
  const choose = (name, title) => (event) => {
    for (const other of event.currentTarget.parentElement.children) other.setAttribute("aria-pressed", String(other === event.currentTarget));
    place.replaceChildren(figure(id, name, title, query));
    say(`${title} is shown`);
  };
  return card(place, h("div", { class: "sides", role: "group", "aria-label": "What the timeline shows" },
    h("button", { type: "button", class: "quiet small", "aria-pressed": "true", onclick: choose("timeline", "Posts over time") }, "Posts"),
    h("button", { type: "button", class: "quiet small", "aria-pressed": "false", onclick: choose("engagements", "Engagements over time") }, "Engagements")));
}

function spikes(summary, zone) {
  const heads = [{ label: "Post" }, { label: "When" }, { label: "Gain", number: true }, { label: "Expected", number: true }, { label: "Times", number: true }];
  const rows = summary.spikes.map((one) => [outward(one.url, one.author_handle ? `@${one.author_handle}` : "unknown author"),
    `${moment(one.since, zone)} to ${moment(one.until, zone)}`, compact(one.gain), compact(one.expected), `${decimal(one.ratio)}×`]);
  return card(h("h2", {}, term("spiking_posts", "Posts whose engagement spikes")), table("Posts whose engagement spikes", heads, rows, "No post gained far faster than it did before."));
}

function cost(campaign) {
  if (!campaign.plan) return null;
  return card(h("h2", {}, "What watching costs"), planned(campaign.plan));
}
