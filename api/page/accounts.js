// Accounts by name, and who is most like one: a dialog that leads from account to account.

import { ask } from "/page/client.js";
import { clear, h, number, table } from "/page/dom.js";
import { between, compact, count, percent, UNKNOWN } from "/page/numbers.js";
import { trouble } from "/page/trouble.js";

const SHOWN = 20;

// Names of strangers may run from right to left: `bdi` keeps the line around them in order.
export function handle(account) {
  return h("bdi", {}, account.handle ? `@${account.handle}` : account.id.slice(account.id.indexOf(":") + 1));
}

// A name that opens who is most like it.
export function who(account, open = similar) {
  return h("button", { type: "button", class: "link", title: account.name ?? null, onclick: () => open(account) }, handle(account));
}

export function similar(account) {
  const place = h("div", { "aria-busy": "true" });
  const box = h("dialog", { class: "wide", "aria-labelledby": "similar" }, place,
    h("form", { method: "dialog", class: "actions" }, h("button", { class: "quiet" }, "Close")));
  const gone = () => box.close();
  box.addEventListener("close", () => { window.removeEventListener("hashchange", gone); box.remove(); });
  window.addEventListener("hashchange", gone);
  document.body.append(box);
  walk(place, account);
  box.showModal();
}

async function walk(place, account) {
  const title = h("h2", { id: "similar", tabindex: "-1" }, "Accounts most like ", handle(account));
  clear(place, title);
  place.setAttribute("aria-busy", "true");
  try {
    clear(place, title, drawn(await ask(`/v1/accounts/${encodeURIComponent(account.id)}/similar?limit=${SHOWN}`), place));
  } catch (error) {
    clear(place, title, trouble(error.problem ?? { title: "Not shown", detail: "This part failed. Close it and try again." }));
  }
  place.removeAttribute("aria-busy");
  title.focus();
}

function drawn(answer, place) {
  const heads = [{ label: "Account", wide: true }, number("Similarity"), number("Overlap"), { label: "How" }, number("Followers in our list")];
  const rows = answer.similar.filter((one) => one.similarity_percent.value > 0).map((one) => [
    who(one.account, (next) => walk(place, next)), share(one.similarity_percent), share(one.overlap_percent),
    one.counted ? "counted" : "estimated", compact(one.account.followers)]);
  return [h("p", { class: "hint" }, `Similarity: of all who follow one of both, who follow both. Overlap: of the smaller audience, who follow both. Compared with ${count(answer.compared_with)} accounts whose followers are known; ${count(answer.account.followers)} followers in our list${answer.account.complete ? "" : ", which is not complete"}.`),
    table("Accounts that share followers, the most similar first", heads, rows, "No other account is known to share followers with it.")];
}

// An estimate with its interval below.
export function share(one) {
  if (!one) return UNKNOWN;
  const show = (value) => percent(value);
  if (one.low === one.high) return show(one.value);
  return h("span", {}, show(one.value), h("span", { class: "post-meta" }, h("br"), between(one, show)));
}
