"""Posts of a campaign, and the life of one post in numbers."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Path, Query, Request, Response

from api import answers
from api.deps import Parts, Readable, Reader
from api.errors import Invalid, Missing
from api.openapi import answer
from api.params import History as HistoryQuery
from api.params import PostFilters
from api.params import PostList as PostQuery
from api.problem import FieldProblem, shown
from api.reports import shared
from api.services import Services
from api.words import Ident
from insights import campaigns as insight
from insights.history import History
from insights.past import posts_of
from insights.periods import header, side_named, sides, where_of
from insights.posts import PostList, ranked, stretch
from lake.contract import Where
from lake.errors import BadQuestion
from lake.records import Post
from registry.models import Campaign, Key

router = APIRouter(prefix="/v1", tags=["posts"])
PAGING = {"as_of", "sort", "limit", "cursor", "period", "side"}


@router.get(
    "/campaigns/{campaign_id}/posts",
    operation_id="listPosts",
    response_class=Response,
    responses=answer(PostList, "Posts in order, and the cursor behind them", refusals="404"),
)
async def posts(
    request: Request, parts: Parts, campaign: Readable, query: Annotated[PostQuery, Query()]
) -> Response:
    """Return posts, the most engaging first unless `sort` says otherwise; filters narrow them."""

    async def report() -> PostList:
        """Ask the lake for the page."""
        if query.model_fields_set - PAGING:
            return await filtered(parts, campaign, query)
        return await insight.posts(
            parts.lake, campaign, now=parts.now(), as_of=query.as_of, sort=query.sort,
            limit=query.limit or parts.settings.page_size, cursor=query.cursor,
            period=query.period, side=query.side,
        )  # fmt: skip

    try:
        return await shared(request, parts, campaign, query, report)
    except BadQuestion as error:
        if query.cursor is None:
            raise
        raise wrong("cursor", query.cursor, "take the `cursor` of the page before") from error


async def filtered(parts: Services, campaign: Campaign, query: PostQuery) -> PostList:
    """Return a page of the posts that pass the filters."""
    if query.sort == "overperforming":
        raise wrong("sort", query.sort, "leave the filters out, or sort by another field")
    head = header(campaign, now=parts.now(), as_of=query.as_of)
    where = narrowed(campaign, query)
    view = await posts_of(parts.lake, campaign, head.as_of)
    limit = query.limit or parts.settings.page_size
    begun = stretch(where, campaign, query.period, head.instant) if where else None
    found, cursor = (
        await ranked(
            parts.lake, view, within(begun, query), query.sort, limit, query.cursor, head.instant
        )
        if begun
        else ([], None)
    )
    return PostList(
        header=head,
        side=side_named(campaign, query.side).name,
        period=query.period,
        sort=query.sort,
        posts=tuple(found),
        cursor=cursor,
    )


def narrowed(campaign: Campaign, query: PostFilters) -> Where | None:
    """Return the filter of one side, narrowed; None if nothing can pass. Time is not in it.

    Filters only ever cut what the campaign watches: no value reaches another's posts.
    """
    where = where_of(campaign, side_named(campaign, query.side))
    networks = chosen(where.networks, query.network)
    kinds = tuple(kind for kind in query.kind if kind not in where.exclude_kinds)
    if not networks or (query.kind and not kinds):
        return None
    where = msgspec.structs.replace(
        where,
        networks=networks,
        kinds=kinds,
        authors=tuple(query.author),
        langs=tuple(query.lang),
        words=tuple((query.words or "").split()),
    )
    if not query.tag:
        return where
    tags = chosen(where.tags, query.tag)
    return msgspec.structs.replace(where, tags=tags, handles=()) if tags else None


def chosen(watched: tuple[str, ...], asked: list[str]) -> tuple[str, ...]:
    """Return what of the watched is asked for; all of it if nothing is named."""
    return tuple(one for one in watched if one in asked) if asked else watched


def within(where: Where, query: PostFilters) -> Where:
    """Return the filter cut to the caller's own instants."""
    since = max(filter(None, (where.since, query.since)), default=None)
    until = min(filter(None, (where.until, query.until)), default=None)
    return msgspec.structs.replace(where, since=since, until=until)


def wrong(field: str, value: object, fix: str) -> Invalid:
    """Return the refusal of one parameter's value."""
    told = FieldProblem(field=field, value=shown(value), problem="cannot be used", fix=fix)
    return Invalid(f"{field} cannot be used like this.", errors=(told,))


@router.get(
    "/posts/{post_id:path}/history",
    operation_id="getPostHistory",
    response_class=Response,
    responses=answer(History, "Every snapshot, and the ladder of ages", refusals="404"),
)
async def history(
    request: Request,
    parts: Parts,
    key: Reader,
    post_id: Annotated[Ident, Path(description="Id as in /posts, percent-encoded or plain")],
    query: Annotated[HistoryQuery, Query()],
) -> Response:
    """Return the counts of one post over time, if one of your campaigns watches it."""
    post = (await parts.lake.get(Post, (post_id,))).get(post_id)
    if post is None or not await watches(parts, key, post):
        raise Missing("No campaign of yours has such a post.")
    found = await insight.history(parts.lake, post_id, now=parts.now(), as_of=query.as_of)
    said = msgspec.structs.replace(found, instant=found.as_of or post.observed_at)
    return answers.respond(request, answers.encoded(found, tagged_by=said))


async def watches(parts: Services, key: Key, post: Post) -> bool:
    """Return whether a campaign of the client watches the post."""
    cursor: str | None = None
    while True:
        page = await parts.registry.campaigns.list(key.client_id, limit=200, cursor=cursor)
        if any(is_of(post, campaign) for campaign in page.campaigns):
            return True
        cursor = page.cursor
        if cursor is None:
            return False


def is_of(post: Post, campaign: Campaign) -> bool:
    """Return whether a post bears a hashtag or comes from a profile the campaign watches."""
    if post.network not in campaign.networks:
        return False
    handle = (post.author_handle or "").casefold()
    return any(
        not set(side.hashtags).isdisjoint(post.tags)
        or handle in {name.casefold() for name in side.profiles}
        for side in sides(campaign)
    )
