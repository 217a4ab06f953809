// Which communities accounts form by their audiences: a map of each network, and what they are about.

import { handle, similar, who } from "/page/accounts.js";
import { ask } from "/page/client.js";
import { fact, h, number, table } from "/page/dom.js";
import { picture } from "/page/figures.js";
import { compact, count, day, decimal, UNKNOWN } from "/page/numbers.js";
import { term } from "/page/terms.js";

const LISTED = 200;  // accounts in a table
const NEAREST = 3;  // of those an account shares its audience with

export async function communities() {
  const { networks } = await ask("/v1/communities");
  return h("div", {},
    h("div", { class: "page-head" }, h("div", {}, h("h1", {}, "Communities"),
      h("p", { class: "hint" }, "Accounts whose followers were collected, by whom they share these with. Choose an account to see which are most like it."))),
    networks.length ? h("div", { class: "report" }, networks.flatMap(network)) : nobody());
}

function nobody() {
  return h("section", { class: "card" }, h("h2", {}, "Nobody's followers are known yet"),
    h("p", {}, "The operator collects them: ", h("code", {}, "taglake audience collect"), " reads the followers of chosen accounts, in what budget the campaigns leave."));
}

function network(found) {
  const title = `${found.meaningful ? "Communities" : "Shared audiences"} on ${found.network}`;
  const known = new Map(found.map.map((one) => [one.id, one]));
  const picked = (datum) => { if (known.has(datum.id)) similar(known.get(datum.id)); };
  return [
    h("section", { class: "card", "aria-label": title }, chance(found),
      picture(`/v1/communities/${encodeURIComponent(found.network)}/map`, `communities-${found.network}`, title, { picked }), facts(found),
      h("details", { open: found.meaningful ? null : true }, h("summary", {}, "Who shares whose audience"), accounts(found))),
    found.meaningful ? h("ul", { class: "communities", "aria-label": title }, found.communities.map(community)) : null];
}

// Groups can be computed of anything. Where they say nothing, the page does not dress them up.
function chance(found) {
  if (found.meaningful) return null;
  return h("p", { class: "notice" }, h("strong", {}, "No communities can be told apart here. "),
    `The groups these ${count(found.accounts)} accounts fall into are no better than chance, so they are not shown. Who shares followers with whom is.`);
}

function facts(found) {
  const sure = found.meaningful ? [
    fact(term("modularity", "Modularity"), decimal(found.modularity), "0 no structure, up to 1"),
    fact(term("stability", "Stability"), found.stability === null ? UNKNOWN : decimal(found.stability), "1: every run finds the same")] : [];
  return h("dl", { class: "quality" },
    fact("Similar pairs", count(found.pairs), "whose shared part is 2 % or more of both audiences together"),
    fact("In no community", count(found.alone), "no similar audience was found"), sure,
    fact("Computed", day(found.computed_at), "from the lists as they were then"));
}

function community(one) {
  const rest = one.accounts - one.members.length;
  return h("li", {}, h("article", { class: "card" },
    h("h3", {}, `${one.number + 1} `, one.terms.length ? one.terms.slice(0, 3).map((word, at) => [at ? ", " : "", h("bdi", {}, word)]) : "(no common words)"),
    one.terms.length > 3 ? h("p", { class: "hint" }, "also ", one.terms.slice(3).map((word, at) => [at ? ", " : "", h("bdi", {}, word)])) : null,
    h("dl", { class: "quality" },
      fact("Accounts", count(one.accounts)),
      fact("Followers, added up", compact(one.followers_sum), "who follows several counts for each"),
      fact(term("conductance", "Conductance"), decimal(one.conductance), "0: well separated")),
    h("p", { class: "hint" }, "Most followed"),
    h("ul", { class: "names" }, one.members.map((account) => h("li", {}, who(account), h("span", { class: "post-meta" }, ` ${compact(account.followers)}`)))),
    rest > 0 ? h("p", { class: "hint" }, `and ${count(rest)} more`) : null));
}

// The map as a table, for who cannot see or point at it.
function accounts(found) {
  const near = new Map(found.map.map((one) => [one.id, []]));
  for (const [one, other] of found.links) {
    near.get(found.map[one].id).push(found.map[other]);
    near.get(found.map[other].id).push(found.map[one]);
  }
  const about = new Map(found.communities.map((one) => [one.number, String(one.number + 1)]));
  const heads = [{ label: "Account", wide: true }, number("Followers in our list"), found.meaningful ? { label: "Community" } : null, { label: "Most similar audiences", wide: true }].filter(Boolean);
  const rows = found.map.slice(0, LISTED).map((one) => [who(one), count(one.followers),
    ...(found.meaningful ? [about.get(one.community) ?? "none"] : []), nearest(near.get(one.id))]);
  const cut = found.map.length > LISTED ? h("p", { class: "hint" }, `The ${count(LISTED)} most followed of ${count(found.accounts)} accounts.`) : null;
  return [table(`Accounts on ${found.network} and whose audience is like theirs`, heads, rows, "No account."), cut];
}

function nearest(others) {
  if (!others.length) return "none found";
  const rest = others.length - NEAREST;
  return h("span", {}, others.slice(0, NEAREST).map((one, at) => [at ? ", " : "", handle(one)]), rest > 0 ? ` and ${count(rest)} more` : "");
}
