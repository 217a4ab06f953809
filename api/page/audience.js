// Who follows the publishers: how many people they reach, and whose audiences overlap.

import { handle, share, who } from "/page/accounts.js";
import { ask } from "/page/client.js";
import { clear, fact, h, number, table } from "/page/dom.js";
import { figure } from "/page/figures.js";
import { between, compact, count, decimal, percent, UNKNOWN } from "/page/numbers.js";
import { term } from "/page/terms.js";
import { told, trouble } from "/page/trouble.js";

export function audience(campaign, summary, query) {
  const reach = summary.reach;
  const shown = reach.people ? [h("div", { class: "pair" }, h("div", {}, known(reach), networks(reach)), ...overlap(campaign, query))] : unknown(reach);
  return h("section", { class: "card", "aria-labelledby": "audience-title" }, h("h2", { id: "audience-title" }, "Audience"), shown);
}

function unknown(reach) {
  return h("p", { class: "notice" }, h("strong", {}, "Reach and overlap are unknown: "), told(reach.note), ".");
}

function known(reach) {
  const whole = reach.publishers_known === reach.publishers && !reach.incomplete;
  return h("div", {},
    h("p", { class: "hint" }, "Who could have seen it: people who follow at least one of the publishers. Following is not seeing."),
    h("dl", { class: "quality" },
      fact(term("reach_estimate", "Reach"), `${compact(reach.people.value)} people`, interval(reach.people)),
      fact("Lists of followers", `${count(reach.publishers_known)} of ${count(reach.publishers)}`, whole ? "publishers: all are known" : "publishers; a lower bound for all"),
      fact("Their part of all followers", percent(reach.followers_known_percent, 2), "that the networks state"),
      fact("Incomplete lists", count(reach.incomplete), "cut short by the network, or not read to the end")));
}

function interval(people) {
  return people.low === people.high ? "counted one by one" : `95 % interval ${between(people)}`;
}

function networks(reach) {
  const heads = [{ label: "Network" }, number("Publishers"), number("People"), number(term("frequency", "Frequency")), number("Followers, added up")];
  const rows = reach.networks.map((one) => [one.network, count(one.accounts),
    h("span", {}, count(one.people.value), h("span", { class: "post-meta" }, h("br"), between(one.people))),
    one.frequency ? frequency(one.frequency) : UNKNOWN, count(one.followers_sum)]);
  return [table("Reach by network", heads, rows), reach.networks.map(follows)];
}

function frequency(one) {
  return one.low === one.high ? decimal(one.value) : h("span", {}, decimal(one.value), h("span", { class: "post-meta" }, h("br"), between(one, decimal)));
}

// Of the people reached, who follow one, two, or more of the publishers.
function follows(one) {
  const [single = 0, two = 0, ...more] = one.follow_percent;
  const three = more.reduce((sum, part) => sum + part, 0);
  const bars = [["1 publisher", single], ["2 publishers", two], ["3 or more", three]];
  return h("div", { class: "follows" }, h("h3", {}, `How many they follow on ${one.network}`), bars.map(([label, part]) =>
    h("div", { class: "bar" }, h("span", {}, label), h("meter", { min: "0", max: "100", value: part, "aria-label": `${label}: ${percent(part)}` }), h("span", { class: "number" }, percent(part)))));
}

// The figure beside the numbers, and what it shows as a table below both.
function overlap(campaign, query) {
  const [place, below] = [h("div", { "aria-busy": "true" }), h("div", { class: "whole" })];
  const load = async () => {
    try {
      const parts = (await ask(`/v1/campaigns/${campaign.id}/overlap`)).overlaps.networks;
      clear(place, drawn(campaign, query, parts));
      clear(below, h("details", {}, h("summary", {}, `The accounts in numbers (${count(parts.reduce((sum, part) => sum + part.members.length, 0))})`), accounts(parts)));
    } catch (error) {
      clear(place, trouble(error.problem ?? { title: "Not shown", detail: "This part failed. Reload the page." }));
    }
    place.removeAttribute("aria-busy");
  };
  load();
  return [place, below];
}

function drawn(campaign, query, parts) {
  if (parts.some((part) => part.members.length > 1)) return figure(campaign.id, "overlap", "Who shares whose audience", query);
  return [h("h3", {}, "Who shares whose audience"), h("p", { class: "notice" }, "Nothing to compare: no two publishers of one network have lists of followers that are known.")];
}

function accounts(parts) {
  const heads = [{ label: "Account", wide: true }, number("Followers in our list"), { label: "List" }, number(term("exclusive", "Exclusive")), { label: term("overlap", "Shares most with"), wide: true }];
  const rows = parts.flatMap((part) => part.members.map((one, at) => [
    h("span", {}, who(one.account), h("span", { class: "post-meta" }, ` ${part.reach.network}`)), listed(one.account),
    one.account.complete ? "complete" : "not complete", share(one.exclusive_percent), nearest(part, at)]));
  return table("Publishers whose followers are known: their lists, and what of them is exclusive", heads, rows, "No list is known.");
}

function listed(account) {
  const apart = account.stated !== null && account.stated !== account.followers;
  return h("span", {}, count(account.followers), apart ? h("span", { class: "post-meta" }, h("br"), `of ${count(account.stated)} stated`) : null);
}

function nearest(part, at) {
  const shares = part.overlap_percent[at].map((value, place) => (place === at ? null : value));
  const best = Math.max(0, ...shares.filter((value) => value !== null));
  if (!best) return "nobody here";
  const place = shares.indexOf(best);
  const [low, high] = [part.low_percent[at][place], part.high_percent[at][place]];
  return h("span", {}, handle(part.members[place].account), " ", h("span", { class: "number" }, share({ value: best, low, high })));
}
