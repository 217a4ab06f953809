"""What a campaign draft has to be, and what it wants watched. Pure."""

import unicodedata
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from registry.errors import BadField
from registry.models import CampaignDraft, Competitor, WatchedTarget

MAX_NAMES = 1_000  # hashtags or profiles of one brand; a campaign of more is a typing error
MAX_COMPETITORS = 100
MAX_DAYS = 366
PRIORITIES = (0.01, 100.0)


def tidy(draft: CampaignDraft) -> CampaignDraft:
    """Return the draft with its names in their stored form, or raise BadField."""
    _check_name("name", draft.name)
    _check_dates(draft)
    _check_numbers(draft)
    networks = _distinct(network.strip().lower() for network in draft.networks)
    if not networks:
        raise BadField("networks", [], "name at least one network")
    cleaned = msgspec.structs.replace(
        draft,
        name=draft.name.strip(),
        networks=networks,
        hashtags=_names("hashtags", draft.hashtags),
        profiles=_names("profiles", draft.profiles),
        competitors=_competitors(draft.competitors),
    )
    if not cleaned.hashtags and not cleaned.profiles:
        raise BadField("hashtags", [], "name at least one hashtag or profile to watch")
    return cleaned


def tag(name: str) -> str:
    """Return a hashtag as it is stored: NFKC, casefolded, without '#'.

    >>> tag(" #Straße")
    'strasse'
    """
    return unicodedata.normalize("NFKC", name).strip().removeprefix("#").casefold()


def handle(name: str) -> str:
    """Return a handle as it is stored: without '@'; networks compare them without case."""
    return name.strip().removeprefix("@").lower()


def collection(draft: CampaignDraft) -> tuple[datetime, datetime]:
    """Return when collecting for the campaign starts and ends: [start - baseline, end + after)."""
    since = draft.start - timedelta(days=draft.baseline_days)
    return since, draft.end + timedelta(days=draft.after_days)


def wanted(draft: CampaignDraft) -> tuple[WatchedTarget, ...]:
    """Return what the campaign and its competitors want watched, by key, each once."""
    brands: tuple[CampaignDraft | Competitor, ...] = (draft, *draft.competitors)
    tags = {name for brand in brands for name in brand.hashtags}
    profiles = {name for brand in brands for name in brand.profiles}
    named = [("tag", name) for name in tags] + [("profile", name) for name in profiles]
    until = collection(draft)[1]
    found = [
        WatchedTarget(
            key=f"{network}/{kind}/{name}",
            network=network,
            kind=kind,
            name=name,
            priority=draft.priority,
            until=until,
        )
        for network in draft.networks
        for kind, name in named
    ]
    return tuple(sorted(found, key=lambda target: target.key))


def _competitors(competitors: tuple[Competitor, ...]) -> tuple[Competitor, ...]:
    if len(competitors) > MAX_COMPETITORS:
        raise BadField("competitors", len(competitors), f"name {MAX_COMPETITORS} at most")
    cleaned = []
    for place, rival in enumerate(competitors):
        field = f"competitors[{place}]"
        _check_name(f"{field}.name", rival.name)
        hashtags = _names(f"{field}.hashtags", rival.hashtags)
        profiles = _names(f"{field}.profiles", rival.profiles)
        if not hashtags and not profiles:
            raise BadField(f"{field}.hashtags", [], "name at least one hashtag or profile")
        cleaned.append(Competitor(name=rival.name.strip(), hashtags=hashtags, profiles=profiles))
    _check_distinct(cleaned)
    return tuple(cleaned)


def _check_distinct(competitors: list[Competitor]) -> None:
    seen: set[str] = set()
    for place, rival in enumerate(competitors):
        if rival.name.casefold() in seen:
            raise BadField(f"competitors[{place}].name", rival.name, "give each its own name")
        seen.add(rival.name.casefold())


def _names(field: str, names: tuple[str, ...]) -> tuple[str, ...]:
    stored = tag if field.endswith("hashtags") else handle
    if len(names) > MAX_NAMES:
        raise BadField(field, len(names), f"name {MAX_NAMES} at most")
    cleaned = _distinct(stored(name) for name in names)
    for place, name in enumerate(cleaned):
        if not name or len(name) > 200 or not is_plain(name):
            raise BadField(f"{field}[{place}]", name, "use one word of letters, digits and '_.-@'")
    return cleaned


def is_plain(name: str) -> bool:
    """Return whether a name consists of what hashtags, handles and servers may have."""
    # Categories: letters, marks, digits and symbols (emoji are hashtags on some networks).
    return all(unicodedata.category(sign)[0] in "LMNS" or sign in "_.-@:\u200d·" for sign in name)


def _distinct(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def _check_name(field: str, name: str) -> None:
    if not 1 <= len(name.strip()) <= 200:
        raise BadField(field, name, "use 1 to 200 characters")


def _check_dates(draft: CampaignDraft) -> None:
    for field in ("start", "end"):
        instant: datetime = getattr(draft, field)
        if instant.tzinfo is None:
            raise BadField(field, instant.isoformat(), "add the offset from UTC, such as Z")
    if draft.end <= draft.start:
        raise BadField("end", draft.end.isoformat(), "choose an instant after start")
    if draft.end - draft.start > timedelta(days=3 * MAX_DAYS):
        raise BadField("end", draft.end.isoformat(), f"end within {3 * MAX_DAYS} days of start")
    try:
        ZoneInfo(draft.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadField("timezone", draft.timezone, "use a name such as Europe/Berlin") from None


def _check_numbers(draft: CampaignDraft) -> None:
    bounds: Mapping[str, tuple[float, float]] = {
        "baseline_days": (0, MAX_DAYS),
        "after_days": (0, MAX_DAYS),
        "priority": PRIORITIES,
    }
    for field, (least, most) in bounds.items():
        value = getattr(draft, field)
        if not least <= value <= most:
            raise BadField(field, value, f"use {least} to {most}")
