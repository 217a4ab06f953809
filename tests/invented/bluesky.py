"""Bluesky's AppView and servers."""

from typing import Any

Json = dict[str, Any]

DID = "did:plc:alice"
URI = f"at://{DID}/app.bsky.feed.post/3k7"


def person(name: str = "alice", **more: Any) -> Json:
    """Return an actor."""
    return {"did": f"did:plc:{name}", "handle": f"{name}.test", "labels": [], **more}


def facet(start: int, end: int, kind: str, **more: str) -> Json:
    """Return a facet: bytes [start, end) of the text are a tag, link or mention."""
    feature = {"$type": f"app.bsky.richtext.facet#{kind}", **more}
    return {"index": {"byteStart": start, "byteEnd": end}, "features": [feature]}


TEXT = "Été #Nike @bob.test go"  # two letters of two bytes before the tag


def post(key: str = "3k7", **more: Any) -> Json:
    """Return a post view."""
    return {
        "uri": f"at://{DID}/app.bsky.feed.post/{key}",
        "cid": "bafy",
        "author": person(),
        "record": {
            "$type": "app.bsky.feed.post",
            "text": TEXT,
            "createdAt": "2025-05-05T01:30:17.912Z",
            "langs": ["pt-BR"],
            "facets": [
                facet(12, 21, "mention", did="did:plc:bob"),
                facet(6, 11, "tag", tag="Nike"),
                facet(22, 24, "link", uri="https://go.example"),
            ],
            "tags": ["Running"],
        },
        "likeCount": 4,
        "replyCount": 3,
        "repostCount": 2,
        "quoteCount": 1,
        "indexedAt": "2025-05-05T01:30:18.000Z",
        **more,
    }


SEARCH: Json = {"posts": [post(), post("3k8")], "cursor": "25", "hitsTotal": 100}

FEED: Json = {
    "feed": [
        {"post": post()},
        {
            "post": post("3k9"),
            "reason": {
                "$type": "app.bsky.feed.defs#reasonRepost",
                "by": person("bob"),
                "indexedAt": "2025-06-01T00:00:00.000Z",
            },
        },
        {"post": post("3kp"), "reason": {"$type": "app.bsky.feed.defs#reasonPin"}},
    ],
    "cursor": "1795237065003__bafy",
}

THREAD: Json = {
    "thread": {
        "$type": "app.bsky.feed.defs#threadViewPost",
        "post": post("root"),
        "parent": {
            "$type": "app.bsky.feed.defs#notFoundPost",
            "uri": "at://x/y/z",
            "notFound": True,
        },
        "replies": [
            {"post": post("r1"), "replies": [{"post": post("r2")}]},
            {"$type": "app.bsky.feed.defs#blockedPost", "uri": "at://x/y/w", "blocked": True},
        ],
    }
}

PROFILE: Json = person(
    displayName="Alice A",
    description="runs",
    followersCount=48,
    followsCount=5,
    postsCount=3,
    createdAt="2023-09-19T15:47:01.417Z",
    verification={"verifiedStatus": "valid", "trustedVerifierStatus": "none"},
)
PROFILES: Json = {"profiles": [PROFILE, person("bob")]}
FOLLOWERS: Json = {"followers": [person("bob")], "subject": person(), "cursor": "3lk"}
FOLLOWS: Json = {"follows": [person("bob")], "subject": person()}
LIKES: Json = {
    "likes": [{"actor": person("bob"), "createdAt": "2023-09-23T00:44:02.135Z"}],
    "uri": URI,
}
RELATIONSHIPS: Json = {
    "actor": DID,
    "relationships": [{"did": "did:plc:bob", "following": "at://f", "followedBy": "at://g"}],
}
RECORDS: Json = {
    "records": [
        {"uri": URI, "cid": "b", "value": {"$type": "app.bsky.feed.post", "text": "plain #x",
                                           "createdAt": "2023-07-21T01:33:51.481951"}},
        {"uri": URI, "cid": "b", "value": {"$type": "app.bsky.feed.like", "subject": {}}},
    ],
    "cursor": "3kj",
}  # fmt: skip

_IMAGES = {
    "$type": "app.bsky.embed.images#view",
    "images": [
        {"thumb": "https://cdn.example/t", "fullsize": "https://cdn.example/f", "alt": "A cat",
         "aspectRatio": {"height": 348, "width": 652}},
        {"fullsize": "https://cdn.example/g", "alt": ""},
    ],
}  # fmt: skip
EMBEDS: Json = {
    "posts": [
        post("e1", embed=_IMAGES),
        post("e2", embed={"$type": "app.bsky.embed.video#view", "playlist": "https://cdn.example/v.m3u8"}),
        post("e3", embed={"$type": "app.bsky.embed.external#view",
                          "external": {"uri": "https://news.example", "title": "t"}}),
        post("e4", embed={"$type": "app.bsky.embed.recordWithMedia#view", "record": {},
                          "media": _IMAGES}),
    ]
}  # fmt: skip

ALL: dict[str, Json] = {
    name: value
    for name, value in globals().items()
    if name.isupper() and name[0] != "_" and isinstance(value, dict)
}
