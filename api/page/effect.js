// Before, during and after: daily means with intervals, and what may be called a lift.

import { ask } from "/page/client.js";
import { clear, h, number, say, table } from "/page/dom.js";
import { count, decimal, percent, UNKNOWN } from "/page/numbers.js";
import { term } from "/page/terms.js";
import { trouble } from "/page/trouble.js";

const METRICS = ["posts", "engagements", "publishers"];

export function effect(campaign, query) {
  const place = h("div", {});
  const load = async (metric) => {
    try {
      clear(place, drawn(await ask(`/v1/campaigns/${campaign.id}/before-during-after?metric=${metric}${query}`)));
      say(`Before, during and after by ${metric}`);
    } catch (error) {
      clear(place, trouble(error.problem ?? { title: "Not shown", detail: "This part failed. Reload the page." }));
    }
  };
  const choose = (metric) => (event) => {
    for (const other of event.currentTarget.parentElement.children) other.setAttribute("aria-pressed", String(other === event.currentTarget));
    load(metric);
  };
  load(METRICS[0]);
  return h("section", { class: "card" }, h("h2", {}, "Before, during, after"),
    h("p", { class: "hint" }, "Means per complete day with their 95 % intervals. Only a change that the competitors did not see, and chance does not explain, is called a ", term("lift", "lift"), "."),
    h("div", { class: "sides", role: "group", "aria-label": "Metric to compare" }, METRICS.map((metric, at) =>
      h("button", { type: "button", class: "quiet small", "aria-pressed": String(at === 0), onclick: choose(metric) }, metric))), place);
}

function drawn(answer) {
  return [answer.effects.map(verdict), means(answer), answer.effects.length ? effects(answer) : null,
    h("ul", { class: "hint" }, answer.notes.map((note) => h("li", {}, note)))];
}

function verdict(one) {
  const way = one.wording === "lift" ? (one.lift_percent > 0 ? "lift" : "drop") : "";
  return h("p", { class: "verdict" }, h("span", { class: `words ${way}` }, one.wording === "lift" ? (one.lift_percent > 0 ? "Lift" : "Negative lift") : "Observed"), ` · ${one.sentence}`);
}

function means(answer) {
  const heads = [{ label: "Brand" }, ...answer.header.periods.map((period) => number(`${period.name}, per day`))];
  const cell = (side, period) => {
    const one = answer.means.find((mean) => mean.side === side && mean.period === period);
    if (!one || one.mean === null) return UNKNOWN;
    const range = one.low === null ? one.reason : `${decimal(one.low)} to ${decimal(one.high)}`;
    return h("span", {}, decimal(one.mean), h("span", { class: "post-meta" }, h("br"), range));
  };
  const rows = answer.header.sides.map((side) => [side.brand ? h("strong", {}, side.name) : side.name,
    ...answer.header.periods.map((period) => cell(side.name, period.name))]);
  return table(`Mean ${answer.unit} by brand and period, with 95 % intervals`, heads, rows);
}

function effects(answer) {
  const heads = [{ label: "Against the baseline" }, number("Brand"), number("Competitors"), number(term("lift", "Difference")), number("95 % interval"), number(term("extra_per_day", "Extra per day"))];
  const rows = answer.effects.map((one) => [one.period, percent(one.brand_percent), percent(one.competitors_percent), percent(one.lift_percent),
    one.lift_low === null ? one.reason : `${percent(one.lift_low)} to ${percent(one.lift_high)}`,
    one.extra_per_day === null ? UNKNOWN : `${count(one.extra_per_day)} (${count(one.extra_low)} to ${count(one.extra_high)})`]);
  return table("Change against the baseline, beside the competitors", heads, rows);
}
