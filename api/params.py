"""Query parameters, typed: no name we do not know, no query language, nothing relative."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from api.moments import instant, refusal
from api.words import Ident, Lang, Name, Network, TagName, Words, Zone
from lake.records import PostKind

MAX_VALUES = 20  # of one filter: each costs the lake a clause


def whole(value: object) -> object:
    """Return a decimal number's text as it is; 1.0, 1e2 and +1 are refused."""
    if isinstance(value, str) and not (value.isascii() and value.isdigit() and len(value) <= 6):
        raise refusal("not a whole number", fix="write digits only, e.g. 50")
    return value


def truth(value: object) -> object:
    """Return the bool that `true` or `false` means; 1, yes and on are refused."""
    if value in ("true", "false", True, False):
        return value in ("true", True)
    raise refusal("neither true nor false", fix="write true or false")


Moment = Annotated[datetime, BeforeValidator(instant)]
Whole = Annotated[int, BeforeValidator(whole)]
Limit = Annotated[Whole, Field(ge=1, le=200, description="Rows of a page, 1 to 200")]
Cursor = Annotated[str, StringConstraints(min_length=1, max_length=2_048)]
Period = Literal["baseline", "during", "after", "all"]
Names = Annotated[str, StringConstraints(pattern=r"^[a-z_]+(,[a-z_]+)*$", max_length=256)]


class Params(BaseModel):
    """Parameters of one route; a misspelt one is an error, not silently ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Nothing(Params):
    """No parameters at all."""


class DryRun(Params):
    """Of the registration."""

    dry_run: Annotated[bool, BeforeValidator(truth)] = Field(
        False, description="`true`: answer with the plan and save nothing"
    )


class Paging(Params):
    """Where a list begins and how long it is."""

    limit: Limit | None = None
    cursor: Cursor | None = Field(None, description="`cursor` of the page before")


class AsOf(Params):
    """The instant a report speaks of."""

    as_of: Moment | None = Field(
        None,
        description="RFC 3339 instant: the report as it was then. Default: now",
        examples=["2026-05-20T12:00:00Z"],
    )


class Series(AsOf):
    """Which lines a time series has."""

    metrics: Names = Field("posts,engagements", description="Names of /v1/definitions, by comma")
    interval: Literal["1h", "1d", "1w", "1M"] = "1d"
    breakdown: Literal["network", "kind", "tag", "side"] | None = None
    side: Name | None = Field(None, description="Name of the brand or a competitor")
    timezone: Zone | None = Field(None, description="IANA name. Default: the campaign's")


Side = Annotated[Name | None, Field(description="Name of the brand or a competitor")]


class SummaryOf(AsOf):
    """What a summary is compared with."""

    compare: Literal["before", "after"] = "before"


class SpikesOf(AsOf):
    """Whose spikes, and how far down."""

    side: Side = None
    limit: Limit | None = None


class Ranking(SpikesOf):
    """Which part of a campaign is ranked, and how far down."""

    period: Period = "during"


class OverlapOf(Params):
    """Whose audiences are compared: the publishers of a period with the most followers."""

    top: Annotated[Whole, Field(ge=2, le=100, description="Accounts of each network, 2 to 100")] = (
        20
    )
    period: Period = "during"
    side: Side = None


class SimilarTo(Params):
    """How far down."""

    limit: Limit | None = None


class AroundOf(SimilarTo):
    """Whose community, and how it is grown."""

    account: list[Ident] = Field(min_length=1, max_length=MAX_VALUES, description="Ids of accounts")
    method: Literal["similarity", "agglomerative"] = "similarity"


class Publishers(Ranking):
    """How accounts are ranked."""

    sort: Literal["engagements", "posts", "followers"] = "engagements"


class PostFilters(Params):
    """Which posts; every filter narrows, several values of one widen it."""

    network: list[Network] = Field([], max_length=MAX_VALUES)
    kind: list[PostKind] = Field([], max_length=MAX_VALUES)
    tag: list[TagName] = Field([], max_length=MAX_VALUES, description="Of the side's own hashtags")
    author: list[Ident] = Field([], max_length=MAX_VALUES, description="Author ids")
    lang: list[Lang] = Field([], max_length=MAX_VALUES)
    words: Words | None = Field(None, description="All of them in the text, whole words")
    since: Moment | None = None
    until: Moment | None = None
    period: Period = "during"
    side: Side = None


class PostList(PostFilters):
    """A page of posts."""

    as_of: Moment | None = None
    sort: Literal[
        "engagements", "created_at", "likes", "comments", "shares", "views", "overperforming"
    ] = "engagements"
    limit: Limit | None = None
    cursor: Cursor | None = None


class History(AsOf):
    """Of one post's counts."""


class Voice(AsOf):
    """What a share of voice is a share of."""

    metric: Literal["posts", "engagements", "publishers"] = "posts"
    period: Literal["baseline", "during", "after"] = "during"


class Effect(AsOf):
    """Which metric is compared before, during and after."""

    metric: Literal["posts", "engagements", "publishers"] = "posts"


class Export(PostFilters):
    """What is exported, and as what."""

    format: Literal["csv", "jsonl", "parquet"] = "csv"
    period: Period = "all"


class Figure(AsOf):
    """How a figure is drawn."""

    theme: Literal["light", "dark"] = "light"
