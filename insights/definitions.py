"""Every metric a report shows: how it is called, in which unit, what it means, how it is computed.

The API serves the catalogue, the page shows an entry on hover, the documentation prints it. A
number in a report refers to its entry by name, so one number never has two meanings.
"""

import msgspec


class Definition(msgspec.Struct, frozen=True, kw_only=True):
    """What one metric means. `unit` is "" for a pure number."""

    name: str
    label: str
    unit: str
    definition: str
    formula: str


def _entry(name: str, label: str, unit: str, definition: str, formula: str) -> Definition:
    """Return one entry of the catalogue."""
    return Definition(name=name, label=label, unit=unit, definition=definition, formula=formula)


_ENTRIES = (
    _entry(
        "posts",
        "Posts",
        "posts",
        "Original posts published in the period that bear a watched hashtag or come from a "
        "watched profile. Reposts are counted apart; posts deleted since stay counted.",
        "count of posts with kind other than repost, by time of publication",
    ),
    _entry(
        "reposts",
        "Reposts",
        "posts",
        "Posts that only pass on another post. They carry the counts of the original, so no sum "
        "includes them.",
        "count of posts with kind repost",
    ),
    _entry(
        "publishers",
        "Publishers",
        "accounts",
        "Different accounts that published at least one post in the period. Posts of unknown "
        "authors add nobody. Compared with the baseline by the mean number of publishers a day.",
        "distinct author_id; a large count may be an estimate, its relative error is given",
    ),
    _entry(
        "engagements",
        "Engagements",
        "engagements",
        "Likes, comments and shares of the posts published in the period, as last seen. Hidden "
        "counts are left out, not taken as zero.",
        "sum(likes) + sum(comments) + sum(shares) over posts, reposts left out",
    ),
    _entry("likes", "Likes", "likes", "Likes (favourites) of the posts.", "sum(likes)"),
    _entry("comments", "Comments", "comments", "Comments (replies) to the posts.", "sum(comments)"),
    _entry("shares", "Shares", "shares", "Shares (boosts, reposts) of the posts.", "sum(shares)"),
    _entry(
        "views",
        "Views",
        "views",
        "Views the network itself reports; unknown where it does not.",
        "sum(views)",
    ),
    _entry(
        "engagement_rate",
        "Engagement rate per post",
        "%",
        "How many engagements a post had for each follower of its author, averaged over the "
        "posts whose author's followers are known; `known` says how many. A mean of ratios, not "
        "a ratio of sums.",
        "mean over posts of (likes + comments + shares) / author's followers x 100",
    ),
    _entry(
        "followers_sum",
        "Followers, each post adds",
        "followers",
        "Followers of each post's author, added for every post. People who follow several "
        "authors or see several posts count again: this is not the number of people who saw "
        "something.",
        "sum(author's followers) over posts whose author's followers are known",
    ),
    _entry(
        "publishers_followers_sum",
        "Followers, each publisher once",
        "followers",
        "Followers of the publishers, each publisher once. Audiences overlap: this is not the "
        "number of people who saw something.",
        "sum over publishers of the largest known follower count among their posts of the period",
    ),
    _entry(
        "reach_estimate",
        "Reach",
        "people",
        "Different accounts that follow at least one of the publishers, each counted once, over "
        "the publishers whose lists of followers are known; the report says how many these are. "
        "Following is not seeing: this is who could have seen something. Somebody on several "
        "networks counts on each.",
        "size of the union of the publishers' lists of followers: counted up to 3 million entries, "
        "beyond that estimated from MinHash signatures of 1,024 bins, with a 95 % interval",
    ),
    _entry(
        "overlap",
        "Audience overlap",
        "%",
        "Of the smaller of two audiences, who also follows the other account.",
        "|A and B| / min(|A|, |B|) x 100; beyond 3 million followers from signatures, with a 95 % "
        "interval",
    ),
    _entry(
        "exclusive",
        "Exclusive audience",
        "%",
        "Of an account's followers, who follows none of the other accounts of the comparison.",
        "followers of no other account / followers x 100",
    ),
    _entry(
        "frequency",
        "Frequency",
        "accounts",
        "How many of the accounts each person who is reached follows, on average.",
        "sum of followers / reach",
    ),
    _entry(
        "modularity",
        "Modularity",
        "",
        "How much more of the accounts' similarity lies inside communities than chance would put "
        "there: 0 none, up to 1.",
        "share of similarity inside communities - its expectation at the accounts' strengths",
    ),
    _entry(
        "stability",
        "Stability",
        "",
        "How far runs from different seeds find the same communities: 1 fully, 0 as by chance.",
        "mean adjusted Rand index of the pairs of three runs",
    ),
    _entry(
        "conductance",
        "Conductance",
        "",
        "How much of a community's similarity leads out of it: 0 is well separated, 1 not at all.",
        "similarity to accounts outside / similarity to all accounts",
    ),
    _entry(
        "unknown_authors",
        "Posts of unknown authors",
        "posts",
        "Posts whose network does not tell who wrote them (the official Instagram hashtag search).",
        "posts - posts with a known author_id",
    ),
    _entry(
        "deleted_posts",
        "Deleted posts",
        "posts",
        "Posts of the watched time that were seen and are gone by now; their last counts are kept.",
        "count of posts with a known deleted_at",
    ),
    _entry(
        "share_of_voice",
        "Share of voice",
        "%",
        "The brand's part of what was published about the brand and its competitors. A post "
        "that names two of them counts for both.",
        "brand / (brand + competitors) x 100, of posts, engagements or publishers",
    ),
    _entry(
        "spiking_posts",
        "Posts whose engagement spikes",
        "posts",
        "Posts that, an hour or more after publication, gained engagements at least three times "
        "as fast as on average since publication, by at least 20, beyond chance.",
        "gain >= 20, gain >= 3 x expected, gain > expected + 4 x sqrt(expected); expected = "
        "engagements so far / age so far x length of the step between two snapshots",
    ),
    _entry(
        "overperforming",
        "Over-performing score",
        "x",
        "Engagements of a post against what this author's posts of the same kind had at the "
        "same age. Above 1 better than usual, below -1 worse; unknown with fewer than 4 earlier "
        "posts.",
        "benchmark = mean of the middle 50 % of the author's last 100 posts of the kind in the "
        "lake at the same age; actual / benchmark if at least 1, else -benchmark / actual; -2 x "
        "benchmark if actual is 0; actual / 10 while the benchmark is below 10 (CrowdTangle)",
    ),
    _entry(
        "daily_mean",
        "Mean per day",
        "per day",
        "Mean over the complete days of a period, days of the campaign's time zone.",
        "sum over complete days / number of complete days",
    ),
    _entry(
        "lift",
        "Lift against the competitors",
        "%",
        "How much more the brand changed than its competitors did over the same days. Called "
        "lift only if the 95 % interval excludes 0, else it is what was observed.",
        "((brand during / brand before) / (competitors during / competitors before) - 1) x 100; "
        "interval: studentised block bootstrap over days, brand and competitors drawn together",
    ),
    _entry(
        "extra_per_day",
        "Extra per day",
        "per day",
        "What the brand had per day beyond what it would have had if it had changed as its "
        "competitors did.",
        "brand during - brand before x (competitors during / competitors before)",
    ),
    _entry(
        "polls_planned",
        "Polls planned",
        "polls",
        "How often the campaign's targets were to be asked for.",
        "sum over targets and hours",
    ),
    _entry(
        "polls_made",
        "Polls made",
        "polls",
        "How often the campaign's targets were asked for.",
        "sum over targets and hours",
    ),
    _entry(
        "polls_failed",
        "Polls failed",
        "polls",
        "Polls that brought no readable answer.",
        "sum over targets and hours",
    ),
    _entry(
        "unchanged_share",
        "Polls without news",
        "%",
        "Polls that found nothing new: a high share means that the budget suffices.",
        "polls unchanged / polls made x 100",
    ),
    _entry(
        "gap_minutes",
        "Minutes not watched",
        "minutes",
        "Minutes in which a target was not watched as planned, overlapping gaps of a target once.",
        "union of a target's gaps, widened to whole minutes; summed over targets",
    ),
    _entry(
        "rate_limited_minutes",
        "Rate-limited minutes",
        "minutes",
        "How long networks made the campaign's targets wait.",
        "sum of rate-limited seconds of all targets / 60",
    ),
    _entry(
        "freshness",
        "Freshness",
        "seconds",
        "Age of a target's newest poll that succeeded.",
        "time of the report (at most the end of collection) - time of the newest poll without "
        "failure",
    ),
)

DEFINITIONS: dict[str, Definition] = {entry.name: entry for entry in _ENTRIES}
"""Name to definition, in the order a glossary shows them."""


def unit_of(name: str) -> str:
    """Return the unit of a metric. Raises KeyError for a name that is not in the catalogue."""
    return DEFINITIONS[name].unit
