"""Instagram's web JSON of every generation."""

from typing import Any

Json = dict[str, Any]

PK = 2498383483036303865
CODE = "CKsCopzFQH5"

ITEMS_2016: Json = {
    "status": "ok",
    "more_available": True,
    "items": [
        {
            "id": f"{PK}_501",
            "code": CODE,
            "type": "carousel",
            "link": f"https://www.instagram.com/p/{CODE}/",
            "created_time": "1456378268",
            "caption": {"text": "Up #Early with @lena.k", "id": "1"},
            "comments": {
                "count": 3,
                "data": [
                    {
                        "id": "901",
                        "text": "nice",
                        "created_time": "1456378610",
                        "from": {"id": "777", "username": "daft", "full_name": "D"},
                    }
                ],
            },
            "likes": {"count": 79, "data": []},
            "location": None,
            "images": {
                "standard_resolution": {
                    "url": "https://cdn.example/a.jpg",
                    "width": 640,
                    "height": 480,
                }
            },
            "user": {"id": "501", "username": "mira", "full_name": "Mira"},
        },
        {
            "id": "2498383483036303866_501",
            "type": "video",
            "created_time": "1456378000",
            "caption": None,
            "comments": {"count": 0, "data": []},
            "likes": {"count": 1, "data": []},
            "videos": {
                "standard_resolution": {
                    "url": "https://cdn.example/a.mp4",
                    "width": 640,
                    "height": 640,
                }
            },
            "images": {},
            "user": {"id": "501", "username": "mira"},
        },
    ],
}


def _old_node(pk: int, **more: Any) -> Json:
    return {
        "__typename": "GraphImage",
        "id": str(pk),
        "code": f"code{pk}",
        "date": 1512057006,
        "display_src": f"https://cdn.example/{pk}.jpg",
        "dimensions": {"height": 1080, "width": 720},
        "is_video": False,
        "owner": {"id": "502"},
        "comments": {"count": 4},
        "likes": {"count": 85},
        **more,
    }


TAG_2017: Json = {
    "tag": {
        "name": "Nike",
        "content_advisory": None,
        "media": {
            "count": 4131750,
            "page_info": {"has_next_page": True, "end_cursor": "J0HV_old"},
            "nodes": [_old_node(101, caption="red #shoes"), _old_node(102)],
        },
        "top_posts": {
            "nodes": [_old_node(102), _old_node(103, __typename=None, is_video=True, video_views=9)]
        },
    }
}

USER_2017: Json = {
    "user": {
        "id": "502",
        "username": "okki",
        "full_name": "Okki O",
        "biography": "Onions",
        "external_url": "http://onions.example/",
        "is_private": False,
        "is_verified": False,
        "followed_by": {"count": 986},
        "follows": {"count": 805},
        "media": {
            "count": 313,
            "page_info": {"has_next_page": False, "end_cursor": "still_there"},
            "nodes": [_old_node(104, caption="hi")],
        },
    }
}


def _c_node(pk: int, *, text: str | None = None, likes: int = 5, **more: Any) -> Json:
    edges = [] if text is None else [{"node": {"text": text}}]
    return {
        "__typename": "GraphImage",
        "id": str(pk),
        "shortcode": f"short{pk}",
        "edge_media_to_caption": {"edges": edges},
        "edge_media_to_comment": {"count": 2},
        "taken_at_timestamp": 1612050630,
        "dimensions": {"height": 995, "width": 640},
        "display_url": f"https://cdn.example/{pk}.jpg",
        "edge_liked_by": {"count": likes},
        "edge_media_preview_like": {"count": likes},
        "owner": {"id": "503"},
        "is_video": False,
        **more,
    }


HASHTAG: Json = {
    "hashtag": {
        "id": "17841562894101784",
        "name": "paris",
        "edge_hashtag_to_media": {
            "count": 125782874,
            "page_info": {"has_next_page": True, "end_cursor": "QVFEYy1"},
            "edges": [
                {"node": _c_node(201, text="#Paris ❤️ #été")},
                {
                    "node": _c_node(
                        202, likes=0, __typename="GraphVideo", is_video=True, video_view_count=0
                    )
                },
            ],
        },
        "edge_hashtag_to_top_posts": {
            "edges": [{"node": _c_node(203, text="top", likes=178)}, {"node": _c_node(201)}]
        },
        "edge_hashtag_to_content_advisory": {"count": 0, "edges": []},
        "edge_hashtag_to_related_tags": {
            "edges": [{"node": {"name": "Louvre"}}, {"node": {"name": "seine"}}]
        },
    }
}

TAG_PAGE: Json = {"graphql": HASHTAG}
TAG_QUERY: Json = {"data": HASHTAG, "status": "ok"}

PROFILE: Json = {
    "logging_page_id": "profilePage_503",
    "graphql": {
        "user": {
            "id": "503",
            "username": "gala",
            "full_name": "Gala G",
            "biography": "Bringing 🧅",
            "external_url": None,
            "is_private": False,
            "is_verified": True,
            "edge_followed_by": {"count": 344415438},
            "edge_follow": {"count": 222},
            "edge_related_profiles": {"edges": [{"node": {"id": "9", "username": "rival"}}]},
            "edge_owner_to_timeline_media": {
                "count": 6309,
                "page_info": {"has_next_page": True, "end_cursor": "QVFCbm"},
                "edges": [
                    {
                        "node": _c_node(
                            301,
                            text="a",
                            owner={"id": "503", "username": "gala"},
                            location={"id": "1", "name": "Cologne, Germany"},
                            edge_media_to_comment={
                                "count": 12,
                                "edges": [
                                    {
                                        "node": {
                                            "id": "911",
                                            "text": "wow",
                                            "created_at": 1612050700,
                                            "owner": {"id": "778", "username": "beast"},
                                        }
                                    }
                                ],
                            },
                        )
                    },
                    {
                        "node": _c_node(
                            302,
                            __typename="GraphSidecar",
                            edge_sidecar_to_children={
                                "edges": [
                                    {
                                        "node": {
                                            "display_url": "https://cdn.example/1.jpg",
                                            "dimensions": {},
                                        }
                                    },
                                    {
                                        "node": {
                                            "display_url": "https://cdn.example/2.jpg",
                                            "is_video": True,
                                            "video_url": "https://cdn.example/2.mp4",
                                        }
                                    },
                                ]
                            },
                        )
                    },
                ],
            },
        }
    },
}

WEB_PROFILE_2022: Json = {
    "data": {
        "user": {
            "id": "504",
            "fbid": "17841400373013723",
            "username": "rob",
            "full_name": "Rob",
            "biography": "x",
            "bio_links": [{"title": "", "url": "https://rob.example"}],
            "category_name": "Artist",
            "is_private": True,
            "is_verified": False,
            "edge_followed_by": {"count": 52979346},
            "edge_follow": {"count": 5},
            "edge_owner_to_timeline_media": {
                "count": 419,
                "page_info": {"has_next_page": True, "end_cursor": "QVFCdm9"},
                "edges": [],
            },
        }
    },
    "status": "ok",
}


def _edges_of(key: str) -> Json:
    people = [
        {
            "id": "41",
            "username": "ann",
            "full_name": "Ann",
            "is_private": False,
            "is_verified": False,
        },
        {"id": "42", "username": "ben", "full_name": "", "is_private": True, "is_verified": False},
    ]
    return {
        "data": {
            "user": {
                key: {
                    "count": 46650946,
                    "page_info": {"has_next_page": True, "end_cursor": "QVFBVU"},
                    "edges": [{"node": person} for person in people],
                }
            }
        },
        "status": "ok",
    }


FOLLOWERS = _edges_of("edge_followed_by")
FOLLOWING = _edges_of("edge_follow")

COMMENTS: Json = {
    "data": {
        "shortcode_media": {
            "edge_media_to_parent_comment": {
                "count": 45,
                "page_info": {"has_next_page": True, "end_cursor": "QVFCbnR"},
                "edges": [
                    {
                        "node": {
                            "id": "17969014687354566",
                            "text": "Good",
                            "created_at": 1607919868,
                            "owner": {"id": "26965138089", "username": "walker"},
                            "edge_liked_by": {"count": 3},
                            "edge_threaded_comments": {
                                "count": 1,
                                "edges": [
                                    {
                                        "node": {
                                            "id": "17",
                                            "text": "indeed",
                                            "created_at": 1607919999,
                                        }
                                    }
                                ],
                            },
                        }
                    }
                ],
            }
        }
    },
    "status": "ok",
}

TAGGED: Json = {
    "data": {
        "user": {
            "edge_user_to_photos_of_you": {
                "count": 10,
                "page_info": {"has_next_page": False, "end_cursor": ""},
                "edges": [{"node": _c_node(401, text="with us")}],
            }
        }
    },
    "status": "ok",
}

LOCATION: Json = {
    "graphql": {
        "location": {
            "id": "558750588",
            "name": "Little Bakery",
            "lat": 40.71192,
            "lng": -73.95721,
            "edge_location_to_media": {
                "count": 6472,
                "page_info": {"has_next_page": True, "end_cursor": "2404090964589992497"},
                "edges": [{"node": _c_node(501, text="bread")}],
            },
            "edge_location_to_top_posts": {"edges": [{"node": _c_node(502, text="cake")}]},
        }
    }
}


def d_media(pk: int | str, **more: Any) -> Json:
    """Return a post as generation D and the phone's API tell it."""
    return {
        "taken_at": 1633611073,
        "pk": pk,
        "id": f"{pk}_505",
        "device_timestamp": 1633610957186180,
        "media_type": 1,
        "code": f"c{pk}",
        "user": {"pk": 505, "username": "sage", "full_name": "Sage", "is_private": False},
        "comment_count": 10,
        "like_count": 768,
        "like_and_view_counts_disabled": False,
        "image_versions2": {
            "candidates": [{"width": 1440, "height": 1800, "url": f"https://cdn.example/{pk}.jpg"}]
        },
        "caption": {"pk": 1, "text": "old #Shop @hk"},
        **more,
    }


def _wall(*media: Json, cursor: str | None) -> Json:
    return {
        "sections": [
            {
                "layout_type": "media_grid",
                "layout_content": {"medias": [{"media": one} for one in media]},
                "feed_type": "media",
            }
        ],
        "more_available": cursor is not None,
        "next_max_id": cursor,
        "next_page": 1,
        "next_media_ids": [2682935283782218705],
    }


_COMMENT = {
    "pk": 17904882728106264,
    "user_id": 7955324698,
    "text": "👍",
    "created_at": 1633995786,
    "created_at_utc": 1633995786,
    "user": {"pk": 7955324698, "username": "chong"},
    "media_id": 601,
    "comment_like_count": 2,
}

_TAG_2021: Json = {
    "id": 17841562294087503,
    "name": "CocaCola",
    "media_count": 8139175,
    "subtitle": ["V", "ê", " "],
    "related_tags": [{"name": "pepsi"}],
    "top": _wall(
        d_media(
            601,
            location={"pk": 215707072, "name": "Yuen Long", "lat": 22.4446, "lng": 114.0252},
            preview_comments=[_COMMENT],
            comments=[_COMMENT],
        ),
        cursor="8c2e2d02",
    ),
    "recent": _wall(
        d_media(602, caption=None, like_count=3, like_and_view_counts_disabled=True, view_count=7),
        d_media(
            "603",
            media_type=8,
            carousel_media=[
                {
                    "media_type": 1,
                    "image_versions2": {"candidates": [{"url": "https://cdn.example/x"}]},
                },
                {
                    "media_type": 2,
                    "video_versions": [{"url": "https://cdn.example/y", "width": 640}],
                },
            ],
        ),
        cursor="QVFDOElX",
    ),
}

SECTIONS_2021: Json = {"data": _TAG_2021}
SECTIONS_2024: Json = {
    "status": "ok",
    "name": "CocaCola",
    "media_count": 7,
    "top": _TAG_2021["top"],
}
SECTIONS_POST: Json = {**_wall(d_media(604), cursor=None), "status": "ok"}

MEDIA_INFO: Json = {
    "items": [d_media(2317006284167526179, next_max_id=17886263176571229)],
    "num_results": 1,
    "more_available": False,
}
CLIPS: Json = {
    "items": [
        {
            "media": d_media(
                "2589531623544609760",
                media_type=2,
                video_versions=[{"width": 640, "height": 1137, "url": "https://cdn.example/v.mp4"}],
                video_duration=20.433,
                view_count=100856,
                play_count=401421,
            )
        }
    ],
    "paging_info": {"max_id": "QVFDcVky", "more_available": True},
    "status": "ok",
}
FEED: Json = {
    "feed_items": [{"media_or_ad": d_media(701)}, {"suggested_users": {"id": 1}}],
    "next_max_id": "KGEAReU",
    "more_available": True,
    "status": "ok",
}
USER_INFO: Json = {
    "user": {
        "pk": 506,
        "username": "rdj",
        "full_name": "R",
        "is_private": False,
        "is_verified": True,
        "media_count": 400,
        "follower_count": 50857062,
        "following_count": 4,
        "biography": "b",
        "external_url": "http://rdj.example",
    },
    "status": "ok",
}

ALL: dict[str, Json] = {
    name: value
    for name, value in globals().items()
    if name.isupper() and name[0] != "_" and isinstance(value, dict)
}
