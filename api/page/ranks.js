// Who and what ranked highest: posts, publishers, hashtags, share of voice.

import { ask } from "/page/client.js";
import { clear, h, number, outward, say, table } from "/page/dom.js";
import { compact, count, decimal, moment, percent, signed, UNKNOWN } from "/page/numbers.js";
import { term } from "/page/terms.js";
import { trouble } from "/page/trouble.js";

export function posts(campaign, query, zone) {
  const heads = [{ label: "Post", wide: true }, number(term("engagements")), number(term("overperforming", "Over-performing")),
    number("Likes"), number("Comments"), number("Shares"), number(term("engagement_rate", "Rate"))];
  const rows = (answer) => answer.posts.map((one) => [post(one, zone), compact(one.engagements), times(one), compact(one.likes),
    compact(one.comments), compact(one.shares), percent(one.engagement_rate)]);
  return sided(campaign, "Top posts", (side) => `/v1/campaigns/${campaign.id}/posts?limit=10&sort=engagements${query}${side}`,
    (answer) => table("Top posts by engagements", heads, rows(answer), "No posts in this period."));
}

function post(one, zone) {
  const text = one.deleted_at ? "deleted since" : one.text || "(no text)";
  return h("div", {}, h("div", { class: "post-text", title: one.text?.slice(0, 500) }, text),
    h("div", { class: "post-meta" }, outward(one.url, one.author_handle ? `@${one.author_handle}` : "unknown author"),
      ` · ${one.network} · ${one.kind} · ${moment(one.created_at, zone)}`));
}

function times(one) {
  if (one.overperforming === null) return UNKNOWN;
  const way = one.overperforming >= 1 ? "up" : one.overperforming < 0 ? "down" : "";
  return h("span", { class: `delta ${way}` }, `${decimal(one.overperforming)}×`);
}

export function publishers(campaign, query) {
  const heads = [{ label: "Account" }, number("Posts"), number(term("engagements")), number("Followers")];
  const rows = (answer) => answer.publishers.map((one) => [
    h("span", {}, one.handle ? `@${one.handle}` : one.author_id, one.verified ? " ✓" : "", h("span", { class: "post-meta" }, ` ${one.network}`)),
    count(one.posts), compact(one.engagements), compact(one.followers)]);
  return sided(campaign, "Top publishers", (side) => `/v1/campaigns/${campaign.id}/publishers?limit=10${query}${side}`,
    (answer) => table("Top publishers by engagements", heads, rows(answer), "No known author published in this period."));
}

export function hashtags(campaign, query) {
  const heads = [{ label: "Hashtag" }, number("Posts"), number("Of all posts"), number(term("engagements"))];
  const rows = (answer) => answer.hashtags.map((one) => [`#${one.tag}`, count(one.posts), percent(one.share_percent), compact(one.engagements)]);
  return sided(campaign, "Hashtags beside it", (side) => `/v1/campaigns/${campaign.id}/hashtags?limit=10${query}${side}`,
    (answer) => table("Hashtags that stand beside the watched ones", heads, rows(answer), "No other hashtags."));
}

export function voice(answer) {
  const heads = [{ label: "Brand" }, number("Posts"), number(term("share_of_voice", "Share")), number("Baseline"), number("Change, points")];
  const rows = answer.shares.map((one) => [one.brand ? h("strong", {}, one.side) : one.side, count(one.value), percent(one.share_percent),
    percent(one.baseline_percent), signed(one.change_points)]);
  return table("Share of voice by posts", heads, rows);
}

// A card whose table can show the brand or one of its competitors.
function sided(campaign, title, path, draw) {
  const place = h("div", { "aria-live": "off" });
  const names = campaign.sides ?? [];
  const load = async (side) => {
    try {
      clear(place, draw(await ask(path(side ? `&side=${encodeURIComponent(side)}` : ""))));
      if (side) say(`${title} of ${side}`);
    } catch (error) {
      clear(place, trouble(error.problem ?? { title: "Not shown", detail: "This part failed. Reload the page." }));
    }
  };
  const choose = (name) => (event) => {
    for (const other of event.currentTarget.parentElement.children) other.setAttribute("aria-pressed", String(other === event.currentTarget));
    load(name);
  };
  const picks = names.length > 1 ? h("div", { class: "sides", role: "group", "aria-label": `${title}: whose` }, names.map((name, at) =>
    h("button", { type: "button", class: "quiet small", "aria-pressed": String(at === 0), onclick: choose(name) }, name))) : null;
  load();
  return h("section", { class: "card" }, h("h2", {}, title), picks, place);
}
