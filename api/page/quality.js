// How far the numbers can be trusted: polls, gaps to the minute, what is unknown.

import { fact, h, number, table } from "/page/dom.js";
import { compact, count, moment, percent, span } from "/page/numbers.js";
import { term } from "/page/terms.js";

export function quality(answer, zone) {
  const all = answer.totals;
  return h("section", { class: "card", "aria-labelledby": "quality-title" },
    h("h2", { id: "quality-title" }, "Data quality"),
    h("p", { class: "hint" }, verdict(all)),
    h("dl", { class: "quality" },
      fact(term("polls_made", "Polls made"), count(all.polls_made), `of ${count(all.polls_planned)} planned (${percent(all.polls_made_share)})`),
      fact(term("polls_failed", "Polls failed"), count(all.polls_failed)),
      fact(term("gap_minutes", "Not watched"), `${count(all.gap_minutes)} min`, `${count(all.gaps)} gaps`),
      fact(term("rate_limited_minutes", "Rate-limited"), `${compact(all.rate_limited_minutes)} min`),
      fact(term("freshness", "Freshness"), span(all.oldest_freshness_seconds), "of the target that waits longest"),
      fact(term("unknown_authors", "Unknown authors"), count(all.unknown_authors), `of ${count(all.posts)} posts`),
      fact(term("deleted_posts", "Deleted since"), count(all.deleted_posts))),
    h("details", {}, h("summary", {}, `Gaps (${count(answer.gaps.length)})`), gaps(answer.gaps, zone)),
    h("details", {}, h("summary", {}, `Targets (${count(answer.targets.length)})`), targets(answer.targets)));
}

function verdict(all) {
  if (!all.polls_planned) return "Nothing has been polled for this campaign yet.";
  if (!all.gaps) return "Watched without a gap.";
  return `Some stretches were not watched: ${count(all.gap_minutes)} minutes over ${count(all.targets)} targets. Posts of those times may be missing; their counts are caught up where a post was seen later.`;
}

function gaps(list, zone) {
  return table("Stretches not watched", [{ label: "Target" }, { label: "From" }, { label: "To" }, number("Minutes"), { label: "Why" }],
    list.slice(0, 200).map((one) => [one.target, moment(one.since, zone), moment(one.until, zone), count(one.minutes), one.reasons.join(", ").replaceAll("_", " ")]),
    "No gaps.");
}

function targets(list) {
  return table("Targets and how they were watched",
    [{ label: "Target" }, number("Polls made"), number("planned"), number("failed"), number("Without news"), number("New posts"), number("Gaps, min"), number("Freshness")],
    list.map((one) => [one.target, count(one.polls_made), count(one.polls_planned), count(one.polls_failed), percent(one.unchanged_share),
      count(one.posts_new), count(one.gap_minutes), span(one.freshness_seconds)]));
}
