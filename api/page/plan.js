// What watching a campaign costs and how fresh it will be, or what would fit instead.

import { fact, h, number, table } from "/page/dom.js";
import { compact, count, decimal, span, UNKNOWN } from "/page/numbers.js";

export function planned(plan) {
  return h("div", {},
    h("dl", { class: "quality" },
      fact("Requests", `${compact(polls(plan))} / h`, `${compact(plan.requests_per_hour)} of them new; the accounts may make ${compact(plan.capacity_per_hour)}`),
      fact("Targets", count(plan.targets.length), `${count(plan.targets.filter((one) => one.shared).length)} are watched already`),
      plan.slots_free === null ? null : fact("Hashtag slots", count(plan.slots_needed), `of ${count(plan.slots_free)} free`),
      plan.networks.map((one) => fact(`Freshness on ${one.network}`, one.freshness === null ? UNKNOWN : span(one.freshness), "mean wait until a post is seen"))),
    misfits(plan), targets(plan), lanes(plan));
}

const polls = (plan) => Math.round(plan.targets.reduce((sum, one) => sum + one.polls_per_hour, 0));

function misfits(plan) {
  if (plan.fits) return null;
  return h("div", { class: "notice" }, h("h3", {}, "Why it does not fit"),
    h("ul", {}, plan.reasons.map((one) => h("li", {}, `${one.field} (${one.value}): ${one.why}`))),
    h("h3", {}, "What would fit"),
    h("ul", {}, plan.would_fit.map((one) => h("li", {}, one.lanes ? `${one.network}: ${count(one.hashtags)} hashtags and ${count(one.profiles)} profiles` : `${one.network}: nothing, it has no account; leave it out or ask the operator`))));
}

function targets(plan) {
  return table("Planned targets", [{ label: "Target" }, { label: "Account" }, number("Polls / h"), number("Expected freshness")],
    plan.targets.map((one) => [one.target, one.lane ?? "no room", decimal(one.polls_per_hour), one.freshness === null ? UNKNOWN : span(one.freshness)]));
}

function lanes(plan) {
  if (!plan.lanes.length) return null;
  return h("details", {}, h("summary", {}, "Accounts it uses"), table("Accounts", [{ label: "Account" }, number("Requests / h"), number("It may make"), number("Slots needed"), number("Slots free")],
    plan.lanes.map((one) => [one.lane, compact(one.requests), compact(one.capacity), count(one.slots_needed), one.slots_free === null ? "no limit" : count(one.slots_free)])));
}
