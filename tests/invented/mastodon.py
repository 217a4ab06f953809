"""Servers with Mastodon's API."""

from typing import Any

Json = dict[str, Any]


def account(name: str = "alice", *, host: str = "one.example", **more: Any) -> Json:
    """Return an account as Mastodon before 4.2 tells it."""
    return {
        "id": "23634",
        "username": name,
        "acct": name,
        "display_name": name.title(),
        "locked": False,
        "bot": False,
        "created_at": "2017-02-08T00:00:00.000Z",
        "note": "<p>I &amp; you</p>",
        "url": f"https://{host}/@{name}",
        "followers_count": 320,
        "following_count": 459,
        "statuses_count": 61,
        "fields": [{"name": "Site", "value": '<a href="https://alice.example">alice.example</a>'}],
        **more,
    }


def status(native: str = "103270115826048975", **more: Any) -> Json:
    """Return a status as Mastodon tells it."""
    return {
        "id": native,
        "created_at": "2019-12-08T03:48:33.901Z",
        "in_reply_to_id": None,
        "in_reply_to_account_id": None,
        "sensitive": False,
        "spoiler_text": "",
        "visibility": "public",
        "language": "de-AT",
        "uri": f"https://one.example/users/alice/statuses/{native}",
        "url": f"https://one.example/@alice/{native}",
        "replies_count": 5,
        "reblogs_count": 6,
        "favourites_count": 11,
        "edited_at": None,
        "content": '<p>Ja &quot;so&quot;<br>:blob: <a href="https://one.example/tags/nike" '
        'class="mention hashtag" rel="tag">#<span>Nike</span></a></p><p><a href="https://shop.example/a">'
        '<span class="invisible">https://</span>shop.example/a</a></p>',
        "reblog": None,
        "account": account(),
        "media_attachments": [],
        "mentions": [
            {
                "id": "7",
                "username": "bob",
                "acct": "bob@two.example",
                "url": "https://two.example/@bob",
            }
        ],
        "tags": [{"name": "Nike", "url": "https://one.example/tags/nike"}],
        "emojis": [],
        **more,
    }


PICTURES = [
    {
        "id": "1",
        "type": "image",
        "url": "https://files.example/1.png",
        "description": "A cat",
        "meta": {"original": {"width": 640, "height": 480}},
    },
    {"id": "2", "type": "gifv", "url": "https://files.example/2.mp4", "description": None},
]

TIMELINE: list[Json] = [status(), status("103270115826048976", media_attachments=PICTURES)]

BOOST: Json = status(
    "9",
    uri="https://two.example/users/bob/statuses/9/activity",
    content="",
    favourites_count=0,
    reblogs_count=0,
    replies_count=0,
    tags=[],
    account=account("bob", host="two.example", id="8", acct="bob@two.example"),
    reblog=status("5", quotes_count=2),
)

CONTEXT: Json = {
    "ancestors": [status("1")],
    "descendants": [status("2", in_reply_to_id="1"), status("3", in_reply_to_id="77")],
}

SEARCH: Json = {
    "accounts": [account()],
    "statuses": [status()],
    "hashtags": [{"name": "nike", "url": "https://one.example/tags/nike", "history": []}],
}

TAG: Json = {
    "name": "TootSDK",
    "url": "https://one.example/tags/tootsdk",
    "history": [
        {"day": "1692489600", "accounts": "0", "uses": "0"},
        {"day": "1692403200", "accounts": "1", "uses": "3"},
        {"day": "1692316800", "accounts": "1", "uses": "5"},
    ],
}

PLEROMA: Json = status(
    "Al30Y6dIQNzsEKhR5s",
    uri="https://pl.example/objects/37125e6c",
    url="https://pl.example/notice/Al30Y6dIQNzsEKhR5s",
    language=None,
    content='from <span class="h-card"><a class="u-url mention" href="https://one.example/@t">@<span>t</span></a></span><br/><br/>x',
    account=account("tech", url="https://pl.example/users/tech", id="AdhbFZfyxZ7BgRaYOO"),
    quote={"id": "Al2"},
    pleroma={"local": True},
)

PIXELFED_ACCOUNT: Json = account("technicat", url="https://pix.example/technicat")

QUOTE: Json = {"state": "accepted", "quoted_status": status("44")}
SERVER: Json = {"domain": "one.example", "version": "4.6.4", "title": "One"}

ALL: dict[str, Any] = {
    name: value for name, value in globals().items() if name.isupper() and name != "PICTURES"
}
