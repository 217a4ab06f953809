"""A campaign report in ten lines of plain text, for a terminal."""

from insights.comparison import Comparison
from insights.kpis import Kpi
from insights.periods import Header
from insights.quality import QualityTotals
from insights.rounding import Known
from insights.summary import Summary


def ten_lines(summary: Summary, comparison: Comparison) -> str:
    """Return a report as ten lines: what, how much, against whom, by whom, how sure it is."""
    kpis = summary.kpis
    lines = (
        _head(summary.header),
        f"posts        {_beside(kpis['posts'])}",
        f"publishers   {_beside(kpis['publishers'])}; {_reach(summary)}",
        f"engagements  {_beside(kpis['engagements'])}; {_parts(kpis)}",
        f"rate         {_rate(kpis['engagement_rate'])}",
        f"voice        {_voice(summary)}",
        f"top post     {_top_post(summary)}",
        f"top account  {_top_publisher(summary)}; {_spiking(summary)}",
        f"effect       {_effect(comparison)}",
        f"data         {_quality(summary.quality)}",
    )
    return "\n".join(lines)


def _head(header: Header) -> str:
    """Say which campaign this is and when."""
    tags = " ".join(f"#{tag}" for tag in header.sides[0].hashtags) or header.sides[0].name
    rivals = ", ".join(side.name for side in header.sides[1:]) or "nobody"
    return f"{header.name}: {tags} against {rivals}, as of {header.instant:%Y-%m-%d %H:%M} UTC"


def _number(value: Known | None) -> str:
    """Return a number with thousands apart."""
    return "unknown" if value is None else f"{value:,}"


def _beside(kpi: Kpi) -> str:
    """Return a KPI beside its baseline."""
    if kpi.value is None:
        return "unknown"
    if kpi.per_day is None or kpi.baseline_per_day is None:
        return _number(kpi.value)
    text = f"{_number(kpi.value)} ({kpi.per_day:,.1f} a day, before {kpi.baseline_per_day:,.1f}"
    change = "" if kpi.change_percent is None else f", {kpi.change_percent:+.0f} %"
    return f"{text}{change})"


def _parts(kpis: dict[str, Kpi]) -> str:
    """Return the parts of the engagements."""
    return ", ".join(
        f"{part} {_number(kpis[part].value)}" for part in ("likes", "comments", "shares")
    )


def _reach(summary: Summary) -> str:
    """Return how many different people the publishers reach, as far as is known."""
    reach = summary.reach
    if reach.people is None:
        return "reach unknown"
    people = reach.people
    range_ = "" if people.low == people.high else f" ({people.low:,.0f} to {people.high:,.0f})"
    return f"reach {people.value:,.0f} people{range_} {reach.note.partition(';')[0]}"


def _rate(kpi: Kpi) -> str:
    """Return the engagement rate."""
    if kpi.value is None:
        return "unknown: nobody's followers are known"
    before = "" if kpi.baseline is None else f", before {kpi.baseline:.2f} %"
    return f"{kpi.value:.2f} % engagements per post and follower, {kpi.known:,} posts{before}"


def _voice(summary: Summary) -> str:
    """Return the shares of all sides."""
    known = [share for share in summary.share_of_voice if share.share_percent is not None]
    parts = ", ".join(f"{share.side} {share.share_percent:.0f} %" for share in known)
    return f"{parts} of posts" if parts else "unknown: nobody published yet"


def _top_post(summary: Summary) -> str:
    """Return the most engaging post."""
    if not summary.top_posts:
        return "none"
    post = summary.top_posts[0]
    who = post.author_handle or "unknown author"
    return f"{_number(post.engagements)} engagements by {who}: {post.url or post.id}"


def _top_publisher(summary: Summary) -> str:
    """Return the most engaging account."""
    if not summary.top_publishers:
        return "none"
    who = summary.top_publishers[0]
    name = who.handle or who.author_id
    return f"{name} with {_number(who.engagements)} engagements in {who.posts:,} posts"


def _spiking(summary: Summary) -> str:
    """Return how many posts spiked."""
    least = "" if summary.spikes_complete else "at least "
    return f"posts that spiked: {least}{summary.kpis['spiking_posts'].value}"


def _effect(comparison: Comparison) -> str:
    """Return what the campaign did during its time."""
    if not comparison.effects:
        return "unknown: the campaign has not begun"
    effect = comparison.effects[0]
    return f"{effect.sentence} ({effect.reason})" if effect.reason else effect.sentence


def _quality(totals: QualityTotals) -> str:
    """Return how complete the numbers are."""
    return (
        f"{totals.polls_made:,} of {totals.polls_planned:,} polls made, "
        f"{totals.gap_minutes:,} minutes in {totals.gaps:,} gaps, "
        f"{totals.rate_limited_minutes:,.0f} rate-limited, "
        f"{totals.unknown_authors:,} unknown authors, {totals.deleted_posts:,} deleted"
    )
