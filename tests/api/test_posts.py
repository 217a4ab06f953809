"""Posts, their filters and cursors, and the history of one."""

from collections.abc import Callable
from urllib.parse import quote

import httpx

from fakes.tenants import Tenant

Serve = Callable[..., httpx.AsyncClient]


async def everything(api: httpx.AsyncClient, path: str) -> list[dict[str, object]]:
    found, cursor = [], ""
    while cursor is not None:
        page = (await api.get(f"{path}&cursor={quote(cursor)}" if cursor else path)).json()
        found += page["posts"]
        cursor = page["cursor"]
    return found


async def test_all_posts_are_read_by_cursors_each_once(
    api: httpx.AsyncClient, campaign: str
) -> None:
    posts = await everything(api, f"/v1/campaigns/{campaign}/posts?limit=40&sort=created_at")
    summary = (await api.get(f"/v1/campaigns/{campaign}/summary")).json()
    ids = [post["id"] for post in posts]
    assert len(ids) == len(set(ids)) == summary["kpis"]["posts"]["value"] == 225


async def test_filters_narrow_and_values_of_one_filter_widen(
    api: httpx.AsyncClient, campaign: str
) -> None:
    base = f"/v1/campaigns/{campaign}/posts?limit=200&period=all"
    whole = await everything(api, base)
    german = await everything(api, f"{base}&lang=de")
    both = await everything(api, f"{base}&lang=de&lang=en")
    films = await everything(api, f"{base}&lang=de&kind=video&network=mastodon")
    assert 0 < len(films) < len(german) < len(whole) == len(both)
    assert {post["lang"] for post in german} == {"de"}
    assert {(post["kind"], post["network"]) for post in films} == {("video", "mastodon")}


async def test_words_author_and_instants_narrow(api: httpx.AsyncClient, campaign: str) -> None:
    base = f"/v1/campaigns/{campaign}/posts?limit=200&period=all"
    said = await everything(api, f"{base}&words=marathon%20week")
    by = await everything(api, f"{base}&author=mastodon:runner1")
    days = "since=2026-05-10T00:00:00Z&until=2026-05-11T00:00:00Z"
    day = await everything(api, f"{base}&{days}")
    assert said
    assert {post["text"] is None or "Marathon" in str(post["text"]) for post in said} == {True}
    assert {post["author_id"] for post in by} == {"mastodon:runner1"}
    assert {str(post["created_at"])[:10] for post in day} == {"2026-05-10"}


async def test_a_filter_reaches_nothing_the_campaign_does_not_watch(
    api: httpx.AsyncClient, campaign: str
) -> None:
    base = f"/v1/campaigns/{campaign}/posts?period=all"
    assert await everything(api, f"{base}&tag=adidas") == []
    assert await everything(api, f"{base}&network=bluesky") == []
    assert await everything(api, f"{base}&kind=repost") == []
    rival = (await api.get(f"{base}&side=Adidas&tag=adidas&limit=5")).json()["posts"]
    assert len(rival) == 5


async def test_the_text_of_a_deleted_post_is_not_shown(
    api: httpx.AsyncClient, campaign: str
) -> None:
    posts = await everything(api, f"/v1/campaigns/{campaign}/posts?limit=200&period=all")
    gone = [post for post in posts if post["deleted_at"]]
    assert gone
    assert all(post["text"] is None and post["media"] == [] for post in gone)


async def test_a_history_is_found_by_an_id_in_either_spelling(
    api: httpx.AsyncClient, campaign: str
) -> None:
    path = f"/v1/campaigns/{campaign}/posts?limit=1&network=mastodon"
    posts = (await api.get(path)).json()["posts"]
    post_id = str(posts[0]["id"])
    assert post_id.startswith("mastodon:https://social.example/users/")
    plain = await api.get(f"/v1/posts/{post_id}/history")
    encoded = await api.get(f"/v1/posts/{quote(post_id, safe='')}/history")
    assert plain.status_code == encoded.status_code == 200
    assert plain.content == encoded.content
    assert plain.json()["post_id"] == post_id
    assert [rung["rung"] for rung in plain.json()["ladder"]] == ["15m", "1h", "5h", "1d", "7d"]
    assert len(plain.json()["steps"]) == 5


async def test_a_history_is_only_for_who_watches_the_post(
    serve: Serve, api: httpx.AsyncClient, campaign: str, theirs: Tenant
) -> None:
    posts = (await api.get(f"/v1/campaigns/{campaign}/posts?limit=1")).json()["posts"]
    path = f"/v1/posts/{posts[0]['id']}/history"
    stranger = serve(key=theirs.key)
    missing = await stranger.get("/v1/posts/mastodon:none/history")
    assert (await api.get(path)).status_code == 200
    assert (await stranger.get(path)).status_code == missing.status_code == 404
    assert (await stranger.get(path)).json()["detail"] == missing.json()["detail"]
    await api.delete(f"/v1/campaigns/{campaign}")
    assert (await api.get(path)).status_code == 404


async def test_a_history_of_the_past_ends_there(api: httpx.AsyncClient, campaign: str) -> None:
    base = f"/v1/campaigns/{campaign}/posts?limit=1&sort=likes&until=2026-05-15T00:00:00Z"
    post = (await api.get(base)).json()["posts"][0]
    path = f"/v1/posts/{post['id']}/history"
    then = (await api.get(f"{path}?as_of=2026-05-15T00:00:00Z")).json()
    assert all(step["observed_at"] <= "2026-05-15T00:00:00Z" for step in then["steps"])
