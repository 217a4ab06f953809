// The strip of numbers, each beside its baseline, with its meaning on hover and focus.

import { h } from "/page/dom.js";
import { between, compact, count, percent, signed, UNKNOWN } from "/page/numbers.js";
import { term } from "/page/terms.js";
import { told } from "/page/trouble.js";

const ORDER = ["posts", "publishers", "reach_estimate", "engagements", "engagement_rate", "share_of_voice", "spiking_posts",
  "likes", "comments", "shares", "views", "followers_sum", "publishers_followers_sum"];

export function strip(summary) {
  const known = ORDER.map((name) => summary.kpis[name]).filter(Boolean);
  const against = summary.compared_with ? `compared, per day, with the ${summary.compared_with.name}` : "nothing to compare with yet";
  return h("section", { "aria-labelledby": "kpi-title" },
    h("h2", { id: "kpi-title", class: "sr" }, `Key numbers of ${summary.side}, ${against}`),
    h("ul", { class: "kpis card" }, known.map(kpi)));
}

function kpi(one) {
  const share = one.unit === "%";
  const missing = one.value === null;
  const value = missing ? UNKNOWN : share ? percent(one.value, 2) : compact(one.value);
  return h("li", { class: "kpi" },
    h("div", { class: "label" }, term(one.name)),
    h("div", { class: missing ? "value none" : "value", title: missing ? null : share ? null : count(one.value) }, value),
    delta(one, share),
    one.name === "reach_estimate" ? reached(one) : remarks(one, share));
}

// Spoken in full for who cannot see the colour or the arrow.
function delta(one, share) {
  const change = share ? one.change_points : one.change_percent;
  if (change === null) return null;
  const up = change > 0;
  const way = change === 0 ? "" : up ? "up" : "down";
  const sign = way === "" ? "=" : up ? "▲" : "▼";
  const was = share ? `was ${percent(one.baseline, 2)}` : `${compact(one.per_day)} a day, was ${compact(one.baseline_per_day)}`;
  return h("span", {}, h("span", { class: `delta ${way}`, "aria-hidden": "true" }, share ? `${sign} ${signed(change, 2)} points` : `${sign} ${signed(change)} %`),
    h("span", { class: "sr" }, `${up ? "up" : "down"} by ${signed(change)} ${share ? "percentage points" : "per cent"}`),
    h("span", { class: "note" }, was));
}

// What the number of people stands on, or why there is none.
function reached(one) {
  const said = one.value === null ? one.note : `${between(one, compact)}; ${one.note.split(";")[0]}`;
  return h("span", { class: "note" }, told(said));
}

function remarks(one, share) {
  const said = [];
  if (one.error > 0) said.push(`estimate, ±${percent(one.error * 200)}`);
  if (share && one.known !== null && one.known !== undefined) said.push(`known for ${count(one.known)} posts`);
  return said.length ? h("span", { class: "note" }, said.join("; ")) : null;
}
