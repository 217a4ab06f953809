// The list of campaigns.

import { ask } from "/page/client.js";
import { clear, h, say } from "/page/dom.js";
import { count, day } from "/page/numbers.js";

export async function list() {
  const first = await ask("/v1/campaigns?limit=50");
  const cards = h("ul", { class: "campaigns" }, first.campaigns.map(card));
  return h("div", {},
    h("div", { class: "page-head" }, h("h1", {}, "Campaigns"), h("a", { class: "button", href: "#/new" }, "New campaign")),
    first.campaigns.length ? cards : welcome(),
    more(cards, first.cursor));
}

function welcome() {
  return h("section", { class: "card" }, h("h2", {}, "No campaign yet"),
    h("p", {}, "Name a hashtag and its dates. Before anything is saved you see what watching it costs and how fresh it will be."),
    h("a", { class: "button", href: "#/new" }, "Create the first campaign"));
}

function more(cards, cursor) {
  const box = h("p", { class: "actions" });
  if (!cursor) return box;
  const load = async () => {
    const page = await ask(`/v1/campaigns?limit=50&cursor=${encodeURIComponent(cursor)}`);
    cards.append(...page.campaigns.map(card));
    say(`${count(page.campaigns.length)} more campaigns`);
    clear(box, more(cards, page.cursor));
  };
  return clear(box, h("button", { type: "button", class: "quiet", onclick: load }, "Show more"));
}

function card(one) {
  return h("li", {}, h("article", { class: "card" },
    h("div", { class: "chips" }, h("span", { class: `chip ${one.status}` }, one.status), one.networks.map((network) => h("span", { class: "chip" }, network))),
    h("h2", {}, h("a", { href: `#/campaigns/${one.id}` }, one.name)),
    h("p", { class: "hint" }, period(one)),
    h("div", { class: "chips" }, one.hashtags.slice(0, 6).map((tag) => h("span", { class: "chip" }, `#${tag}`)),
      one.profiles.slice(0, 4).map((name) => h("span", { class: "chip" }, `@${name}`))),
    one.competitors.length ? h("p", { class: "hint" }, `against ${one.competitors.map((rival) => rival.name).join(", ")}`) : null));
}

// `end` is the first instant that no longer belongs to the campaign: people expect its last day.
export function period(one) {
  const last = new Date(new Date(one.end).getTime() - 1).toISOString();
  return `${day(one.start, one.timezone)} to ${day(last, one.timezone)}`;
}
