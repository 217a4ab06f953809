"""Instagram's Graph API."""

from typing import Any

Json = dict[str, Any]

SEARCH: Json = {"data": [{"id": "17843826142012701"}]}

RECENT: Json = {
    "data": [
        {
            "id": "18088158883149835",
            "caption": "run #Nike #12",
            "comments_count": 8,
            "like_count": 804,
            "media_type": "IMAGE",
            "media_url": "https://cdn.example/1.jpg",
            "permalink": "https://www.instagram.com/p/CKsCopzFQH5/",
            "timestamp": "2020-05-12T10:00:00+0000",
        },
        {
            "id": "17842849828991925",
            "comments_count": 44,
            "media_type": "CAROUSEL_ALBUM",
            "children": {
                "data": [
                    {"id": "1", "media_type": "VIDEO", "media_url": "https://cdn.example/2.mp4"},
                    {"id": "2", "media_type": "IMAGE", "media_url": "https://cdn.example/3.jpg"},
                ]
            },
        },
    ],
    "paging": {"cursors": {"after": "QVFIU"}, "next": "https://graph.example/next"},
}

DISCOVERY: Json = {
    "business_discovery": {
        "id": "17841407673135339",
        "username": "shoes",
        "name": "Shoes",
        "biography": "We run",
        "website": "https://shoes.example",
        "followers_count": 64976,
        "follows_count": 3,
        "media_count": 436,
        "media": {
            "data": [
                {
                    "id": "17885103395504675",
                    "caption": "new",
                    "comments_count": 11,
                    "like_count": 87,
                    "media_type": "VIDEO",
                    "media_url": "https://cdn.example/4.mp4",
                    "permalink": "https://www.instagram.com/reel/CSr71Gzlqo4/",
                    "timestamp": "2021-08-17T19:00:42+0000",
                }
            ],
            "paging": {"cursors": {"after": "QVFI2"}},
        },
    },
    "id": "17841406338772941",
}

BY_ID: Json = {
    "17893085207160254": {
        "id": "17893085207160254",
        "caption": "Peach",
        "comments_count": 0,
        "like_count": 1,
        "media_type": "IMAGE",
        "username": "ikros",
        "owner": {"id": "17841406338772941"},
        "comments": {
            "data": [
                {
                    "id": "179",
                    "text": "hey",
                    "timestamp": "2020-02-24T09:15:16+0000",
                    "username": "u",
                }
            ]
        },
    }
}

COMMENTS: Json = {
    "data": [
        {
            "id": "17858154961981086",
            "text": "Beautiful!",
            "timestamp": "2020-06-01T10:56:52+0000",
            "like_count": 0,
            "replies": {"data": [{"id": "5", "text": "thanks"}]},
        }
    ],
    "paging": {"cursors": {"after": "c2"}},
}

TAGS: Json = {"17843826142012701": {"id": "17843826142012701", "name": "Love"}}
STORY: Json = {
    "data": [
        {
            "id": "17879450117512729",
            "media_type": "IMAGE",
            "permalink": "https://instagram.com/stories/ikros/2643655939345226184",
        }
    ]
}
INSIGHTS: Json = {"data": [{"name": "reach", "period": "day", "values": [{"value": 3}]}]}


def error(code: int, **more: Any) -> Json:
    """Return the envelope of an error."""
    return {"error": {"message": "(#1) words", "type": "OAuthException", "code": code, **more}}


ALL: dict[str, Json] = {
    name: value
    for name, value in globals().items()
    if name.isupper() and name[0] != "_" and isinstance(value, dict)
}
