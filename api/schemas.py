"""Bodies that clients send, apart from what is stored: nothing unknown, types are strict."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Self

import msgspec
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictInt,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from api.errors import Invalid
from api.moments import day_or_instant, refusal
from api.validation import field_problems
from api.words import Handle, Name, Network, TagName, Zone
from registry.models import CampaignDraft, Competitor

MAX_COMPETITORS = 10  # as the market's tools: more make an unreadable pie
MAX_NAMES = 100  # hashtags or profiles of one brand
MAX_DAYS = 732  # two years between start and end
NIKE: dict[str, Any] = {
    "name": "Nike Spring",
    "networks": ["mastodon", "instagram"],
    "hashtags": ["nike"],
    "profiles": [],
    "start": "2026-05-08T00:00:00Z",
    "end": "2026-05-22T00:00:00Z",
    "baseline_days": 7,
    "after_days": 7,
    "competitors": [{"name": "Adidas", "hashtags": ["adidas"]}],
    "timezone": "Europe/Berlin",
}


def named(value: object) -> object:
    """Return a competitor written as a mere hashtag ("#puma") in full."""
    if isinstance(value, str):
        return {"name": value.removeprefix("#"), "hashtags": [value]}
    return value


class Body(BaseModel):
    """A body: frozen, nothing unknown, no infinite numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class CompetitorIn(Body):
    """A rival brand by its hashtags and profiles."""

    name: Name
    hashtags: Annotated[tuple[TagName, ...], Field(max_length=MAX_NAMES)] = ()
    profiles: Annotated[tuple[Handle, ...], Field(max_length=MAX_NAMES)] = ()

    @model_validator(mode="after")
    def _watches_something(self) -> Self:
        if not self.hashtags and not self.profiles:
            raise refusal(
                "watches nothing", fix="name a hashtag or a profile of it", field="hashtags"
            )
        return self


Networks = Annotated[tuple[Network, ...], Field(min_length=1, max_length=10)]
Tags = Annotated[tuple[TagName, ...], Field(max_length=MAX_NAMES)]
Handles = Annotated[tuple[Handle, ...], Field(max_length=MAX_NAMES)]
Days = Annotated[StrictInt, Field(ge=0, le=92)]
Rivals = Annotated[
    tuple[Annotated[CompetitorIn, BeforeValidator(named)], ...], Field(max_length=MAX_COMPETITORS)
]


class CampaignIn(Body):
    """A campaign to register; `start`, `end` (excluded): RFC 3339, or a day in `timezone`."""

    model_config = ConfigDict(json_schema_extra={"examples": [NIKE]})

    name: Name
    networks: Networks
    hashtags: Tags = ()
    profiles: Handles = ()
    timezone: Zone = "UTC"  # before the dates, which are read in it
    start: datetime
    end: datetime
    baseline_days: Days = 7
    after_days: Days = 7
    competitors: Rivals = ()

    @field_validator("start", "end", mode="before")
    @classmethod
    def _in_zone(cls, value: object, info: ValidationInfo) -> datetime:
        return day_or_instant(value, timezone=info.data.get("timezone", "UTC"))

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        check_draft(self.hashtags, self.profiles, start=self.start, end=self.end)
        check_rivals(self.competitors)
        return self

    def draft(self) -> CampaignDraft:
        """Return what the registry keeps, each tag and handle once, in the order given."""
        return CampaignDraft(
            name=self.name,
            networks=once(self.networks),
            hashtags=once(self.hashtags),
            profiles=once(self.profiles),
            start=self.start,
            end=self.end,
            baseline_days=self.baseline_days,
            after_days=self.after_days,
            competitors=rivals(self.competitors),
            timezone=self.timezone,
        )


class CampaignPatch(Body):
    """What may change of a campaign; a field that is left out stays as it is."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"end": "2026-06-01T00:00:00Z"}]})

    name: Name | None = None
    networks: Networks | None = None
    hashtags: Tags | None = None
    profiles: Handles | None = None
    timezone: Zone | None = None
    start: str | None = None
    end: str | None = None
    baseline_days: Days | None = None
    after_days: Days | None = None
    competitors: Rivals | None = None

    @model_validator(mode="after")
    def _no_null(self) -> Self:
        for name in self.model_fields_set:
            if getattr(self, name) is None:
                raise refusal("null", fix="leave it out, or give it a value", field=name)
        if not self.model_fields_set:
            raise refusal("changes nothing", fix="name at least one field to change")
        return self

    def merged(self, campaign: CampaignDraft) -> CampaignIn:
        """Return the whole campaign with these changes, checked as a new one is. Raises Invalid."""
        names = list(CampaignIn.model_fields)
        stored = msgspec.to_builtins({name: getattr(campaign, name) for name in names})
        try:
            return CampaignIn.model_validate(stored | self.model_dump(exclude_unset=True))
        except ValidationError as error:
            raise Invalid(
                "With these changes the campaign makes no sense.",
                errors=field_problems(error.errors()),
            ) from None


def check_draft(
    hashtags: Sequence[str], profiles: Sequence[str], *, start: datetime, end: datetime
) -> None:
    """Raise if a campaign watches nothing, or its dates are in the wrong order or too far apart."""
    if not hashtags and not profiles:
        raise refusal(
            "watches nothing", fix="name at least one hashtag or profile", field="hashtags"
        )
    if end <= start:
        raise refusal("not after start", fix="write an end that is later than start", field="end")
    if end - start > timedelta(days=MAX_DAYS):
        raise refusal(
            "more than two years after start",
            fix=f"let it last {MAX_DAYS} days at most",
            field="end",
        )


def check_rivals(competitors: Sequence[CompetitorIn]) -> None:
    """Raise if two competitors bear one name: a share of voice could not tell them apart."""
    names = [rival.name.casefold() for rival in competitors]
    if len(set(names)) < len(names):
        raise refusal("two have one name", fix="give each a name of its own", field="competitors")


def rivals(competitors: Sequence[CompetitorIn]) -> tuple[Competitor, ...]:
    """Return competitors as the registry keeps them."""
    return tuple(
        Competitor(name=one.name, hashtags=once(one.hashtags), profiles=once(one.profiles))
        for one in competitors
    )


def once(names: Sequence[str]) -> tuple[str, ...]:
    """Return each name once, in the order of first appearance."""
    return tuple(dict.fromkeys(names))
