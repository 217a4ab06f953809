"""Recorded answers of real networks: what each file holds, what is set aside, what is an error.

The figures agree with a walk over the JSON that knows nothing of shapes (distinct short codes,
media ids, status ids, at-URIs with counts; comments by author and time), but for what is left out
on purpose: boosted and quoted statuses, and the posts a Bluesky feed shows around an answer. Those
are context: their authors did not post in the target's timeline.
"""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from ingestor.contract import Page
from ingestor.recorded import lines, pages
from ingestor.sources import SOURCES

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)

# file: posts, top posts, profiles, tags, comments, follows, errors, set aside
HELD: dict[str, dict[str, tuple[int, ...]]] = {
    "instagram_web": {
        "data_user_profile.json": (0, 0, 1, 0, 0, 0, 0, 0),
        "error_challenge_redirection.json": (0, 0, 0, 0, 0, 0, 1, 0),
        "error_checkpoint_required.json": (0, 0, 0, 0, 0, 0, 1, 0),
        "error_login_bad_password.json": (0, 0, 0, 0, 0, 0, 1, 0),
        "error_login_generic.json": (0, 0, 0, 0, 0, 0, 1, 0),
        "error_medias_not_json.json": (0, 0, 0, 0, 0, 0, 1, 0),
        "error_user_by_id_invalid.json": (0, 0, 0, 0, 0, 0, 1, 0),
        "graphql2020_profilepage.json": (22, 0, 1, 0, 0, 0, 0, 0),
        "graphql2020_tagpage_test.json": (70, 9, 0, 1, 0, 0, 0, 0),
        "graphql_comments_p1.json": (0, 0, 0, 0, 12, 0, 0, 0),
        "graphql_comments_p2.json": (0, 0, 0, 0, 12, 0, 0, 0),
        "graphql_followers_p1.json": (0, 0, 24, 0, 0, 24, 0, 1),
        "graphql_followers_p2.json": (0, 0, 12, 0, 0, 12, 0, 1),
        "graphql_followings_p1.json": (0, 0, 24, 0, 0, 24, 0, 1),
        "graphql_hashtag_paris_p1.json": (34, 9, 0, 1, 0, 0, 0, 0),
        "graphql_hashtag_paris_p2.json": (11, 9, 0, 1, 0, 0, 0, 0),
        "graphql_location_medias.json": (24, 9, 0, 0, 0, 0, 0, 0),
        "graphql_tagged_medias.json": (10, 0, 0, 0, 0, 0, 0, 0),
        "graphql_user_by_id.json": (0, 0, 1, 0, 0, 0, 0, 0),
        "graphql_user_timeline.json": (12, 0, 0, 0, 44, 0, 0, 0),
        "legacy2016_handle_media_items.json": (20, 0, 0, 0, 43, 0, 0, 0),
        "legacy2017_user_empty.json": (2, 0, 1, 0, 0, 0, 0, 0),
        "legacy2017_user_media_nodes.json": (12, 0, 1, 0, 0, 0, 0, 0),
        "sections2021_tag_cocacola_a.json": (30, 9, 0, 1, 26, 0, 0, 0),
        "v1_clips_user.json": (12, 0, 0, 0, 0, 0, 0, 0),
        "v1_feed_timeline.json": (12, 0, 0, 0, 6, 0, 0, 0),
        "v1_media_3.json": (1, 0, 0, 0, 2, 0, 0, 0),
        "v1_media_carousel.json": (1, 0, 0, 0, 2, 0, 0, 0),
        "v1_media_video.json": (1, 0, 0, 0, 2, 0, 0, 0),
        "v1_user_info.json": (0, 0, 1, 0, 0, 0, 0, 0),
    },
    "instagram_graph": {
        "base_discovery_medias_p1.json": (5, 0, 0, 0, 0, 0, 0, 0),
        "base_discovery_medias_p2.json": (5, 0, 0, 0, 0, 0, 0, 0),
        "base_error_data.json": (0, 0, 0, 0, 0, 0, 1, 0),
        "comments_comments_fields.json": (0, 0, 0, 0, 2, 0, 0, 0),
        "comments_replies.json": (0, 0, 0, 0, 1, 0, 0, 0),
        "discovery_medias_p1.json": (2, 0, 0, 0, 0, 0, 0, 0),
        "discovery_medias_p2.json": (2, 0, 0, 0, 0, 0, 0, 0),
        "discovery_user_fields.json": (0, 0, 1, 0, 0, 0, 0, 0),
        "error.json": (0, 0, 0, 0, 0, 0, 1, 0),
        "hashtags_hashtag_info.json": (0, 0, 0, 1, 0, 0, 0, 0),
        "hashtags_hashtag_recent_medias_p1.json": (5, 0, 0, 0, 0, 0, 0, 0),
        "hashtags_hashtag_recent_medias_p2.json": (5, 0, 0, 0, 0, 0, 0, 0),
        "hashtags_hashtag_top_medias_p1.json": (0, 25, 0, 0, 0, 0, 0, 0),
        "hashtags_hashtag_top_medias_p2.json": (0, 25, 0, 0, 0, 0, 0, 0),
        "hashtags_hashtags_info.json": (0, 0, 0, 2, 0, 0, 0, 0),
        "medias_comments_p1.json": (0, 0, 0, 0, 2, 0, 0, 0),
        "medias_comments_p2.json": (0, 0, 0, 0, 2, 0, 0, 0),
        "medias_insights.json": (0, 0, 0, 0, 0, 0, 0, 3),
        "medias_insights_new.json": (0, 0, 0, 0, 0, 0, 0, 1),
        "medias_media_default.json": (1, 0, 0, 0, 0, 0, 0, 0),
        "medias_medias_fields.json": (2, 0, 0, 0, 0, 0, 0, 0),
        "users_content_publish_limit.json": (0, 0, 0, 0, 0, 0, 0, 1),
        "users_hashtag_search.json": (0, 0, 0, 1, 0, 0, 0, 0),
        "users_medias_p1.json": (2, 0, 0, 0, 0, 0, 0, 0),
        "users_medias_p2.json": (2, 0, 0, 0, 0, 0, 0, 0),
        "users_mentioned_comment.json": (0, 0, 0, 0, 1, 0, 0, 0),
        "users_mentioned_media.json": (1, 0, 0, 0, 0, 0, 0, 0),
        "users_recently_searched_hashtags.json": (0, 0, 0, 2, 0, 0, 0, 0),
        "users_stories.json": (2, 0, 0, 0, 0, 0, 0, 0),
        "users_tagged_medias.json": (5, 0, 0, 0, 0, 0, 0, 0),
        "users_user_fields.json": (0, 0, 1, 0, 0, 0, 0, 0),
        "users_user_insights.json": (0, 0, 0, 0, 0, 0, 0, 3),
        "users_user_insights_new.json": (0, 0, 0, 0, 0, 0, 0, 1),
    },
    "mastodon": {
        "gotosocial_account.exchanges.json": (7, 0, 5, 2, 0, 0, 0, 1),
        "gotosocial_errors.exchanges.json": (40, 0, 2, 0, 0, 0, 4, 0),
        "gotosocial_tag_timeline_pages.exchanges.json": (45, 0, 6, 0, 0, 0, 0, 0),
        "mastodonpy_account_followers.exchanges.json": (0, 0, 1, 0, 0, 0, 0, 0),
        "mastodonpy_account_following.exchanges.json": (0, 0, 1, 0, 0, 0, 0, 0),
        "mastodonpy_account_lookup.exchanges.json": (0, 0, 3, 0, 0, 0, 1, 0),
        "mastodonpy_account_search.exchanges.json": (0, 0, 5, 0, 0, 0, 0, 2),
        "mastodonpy_featured_tags.exchanges.json": (0, 0, 1, 3, 0, 0, 0, 0),
        "mastodonpy_fetch_next_previous.exchanges.json": (35, 0, 24, 0, 0, 0, 0, 0),
        "mastodonpy_fetch_remaining.exchanges.json": (90, 0, 63, 0, 0, 0, 0, 1),
        "mastodonpy_followed_hashtags.exchanges.json": (0, 0, 0, 5, 0, 0, 0, 0),
        "mastodonpy_get_pagination_info.exchanges.json": (25, 0, 22, 0, 0, 0, 0, 0),
        "mastodonpy_hashtag_tl.exchanges.json": (3, 0, 3, 0, 0, 0, 0, 1),
        "mastodonpy_instance.exchanges.json": (0, 0, 0, 0, 0, 0, 0, 1),
        "mastodonpy_lang_for_errors.exchanges.json": (0, 0, 0, 0, 0, 0, 2, 0),
        "mastodonpy_min_max_id.exchanges.json": (4, 0, 4, 0, 0, 0, 0, 0),
        "mastodonpy_public_tl.exchanges.json": (18, 0, 6, 0, 0, 0, 0, 1),
        "mastodonpy_public_tl_anonymous.exchanges.json": (10, 0, 4, 0, 0, 0, 0, 1),
        "mastodonpy_search.exchanges.json": (0, 0, 4, 0, 0, 0, 0, 0),
        "mastodonpy_status.exchanges.json": (3, 0, 3, 0, 0, 0, 0, 0),
        "mastodonpy_status_card.exchanges.json": (3, 0, 3, 0, 0, 0, 0, 0),
        "mastodonpy_status_context.exchanges.json": (2, 0, 2, 0, 0, 0, 0, 0),
        "mastodonpy_status_favourited_by.exchanges.json": (3, 0, 4, 0, 0, 0, 0, 0),
        "mastodonpy_status_missing.exchanges.json": (0, 0, 0, 0, 0, 0, 1, 0),
        "mastodonpy_status_quotes.exchanges.json": (2, 0, 2, 0, 0, 0, 0, 0),
        "mastodonpy_status_reblogged_by.exchanges.json": (5, 0, 6, 0, 0, 0, 0, 0),
        "mastodonpy_stream_healthy.exchanges.json": (0, 0, 0, 0, 0, 0, 1, 2),
        "mastodonpy_trending_tags.exchanges.json": (0, 0, 0, 0, 0, 0, 0, 0),
        "mastodonpy_unauthed_home_tl_throws.exchanges.json": (2, 0, 2, 0, 0, 0, 1, 0),
        "tootsdk_account.json": (0, 0, 1, 0, 0, 0, 0, 0),
        "tootsdk_account_mastodon_official.json": (0, 0, 1, 0, 0, 0, 0, 0),
        "tootsdk_account_moved.json": (0, 0, 1, 0, 0, 0, 0, 0),
        "tootsdk_account_pixelfed.json": (0, 0, 1, 0, 0, 0, 0, 0),
        "tootsdk_instance_akkoma.json": (0, 0, 0, 0, 0, 0, 0, 1),
        "tootsdk_instance_pixelfed.json": (0, 0, 0, 0, 0, 0, 0, 1),
        "tootsdk_instancev2_gotosocial.json": (0, 0, 0, 0, 0, 0, 0, 1),
        "tootsdk_instancev2_mastodon_4.5.json": (0, 0, 0, 0, 0, 0, 0, 1),
        "tootsdk_instancev2_pleroma.json": (0, 0, 0, 0, 0, 0, 0, 1),
        "tootsdk_mastodon.json": (0, 0, 0, 0, 0, 0, 0, 1),
        "tootsdk_pixelfed.json": (0, 0, 0, 0, 0, 0, 0, 1),
        "tootsdk_pleroma.json": (0, 0, 0, 0, 0, 0, 0, 1),
        "tootsdk_post_akkoma_quote.json": (1, 0, 1, 0, 0, 0, 0, 0),
        "tootsdk_post_edited.json": (1, 0, 1, 0, 0, 0, 0, 0),
        "tootsdk_quote.json": (1, 0, 1, 0, 0, 0, 0, 0),
        "tootsdk_shallow_quote.json": (0, 0, 0, 0, 0, 0, 0, 1),
        "tootsdk_streaming_delete.json": (0, 0, 0, 0, 0, 0, 0, 1),
        "tootsdk_streaming_error.json": (0, 0, 0, 0, 0, 0, 1, 0),
        "tootsdk_streaming_filters_changed.json": (0, 0, 0, 0, 0, 0, 0, 1),
        "tootsdk_streaming_update.json": (1, 0, 1, 0, 0, 0, 0, 0),
        "tootsdk_tag.json": (0, 0, 0, 1, 0, 0, 0, 0),
    },
    "bluesky": {
        "bskyr_error_createRecord_400.exchanges.json": (0, 0, 0, 0, 0, 0, 1, 0),
        "bskyr_getAuthorFeed.exchanges.json": (50, 0, 0, 0, 0, 0, 0, 0),
        "bskyr_getFeed.exchanges.json": (7, 0, 0, 0, 0, 0, 0, 0),
        "bskyr_getFollowers.exchanges.json": (0, 0, 48, 0, 0, 48, 0, 0),
        "bskyr_getFollows.exchanges.json": (0, 0, 48, 0, 0, 48, 0, 0),
        "bskyr_getLikes.exchanges.json": (7, 0, 0, 0, 0, 0, 0, 0),
        "bskyr_getPostThread.exchanges.json": (1, 0, 0, 0, 0, 0, 0, 0),
        "bskyr_getPosts.exchanges.json": (1, 0, 0, 0, 0, 0, 0, 0),
        "bskyr_getProfile.exchanges.json": (0, 0, 1, 0, 0, 0, 0, 0),
        "bskyr_getQuotes.exchanges.json": (2, 0, 0, 0, 0, 0, 0, 0),
        "bskyr_getRelationships.exchanges.json": (0, 0, 0, 0, 0, 2, 0, 0),
        "bskyr_getRepostedBy.exchanges.json": (0, 0, 1, 0, 0, 0, 0, 0),
        "bskyr_listRecords.exchanges.json": (50, 0, 0, 0, 0, 0, 0, 0),
        "bskyr_post_likes.exchanges.json": (0, 0, 4, 0, 0, 0, 0, 0),
        "bskyr_resolveHandle.exchanges.json": (0, 0, 0, 0, 0, 0, 0, 1),
        "bskyr_searchActors.exchanges.json": (0, 0, 10, 0, 0, 0, 0, 0),
        "bskyr_searchPosts.exchanges.json": (25, 0, 0, 0, 0, 0, 0, 0),
        "devnet_errors.exchanges.json": (0, 0, 0, 0, 0, 0, 6, 0),
        "devnet_getAuthorFeed_pages.exchanges.json": (3, 0, 0, 0, 0, 0, 0, 0),
        "devnet_getFollowers_pages.exchanges.json": (0, 0, 5, 0, 0, 5, 0, 0),
        "devnet_getFollows_pages.exchanges.json": (0, 0, 5, 0, 0, 5, 0, 0),
        "devnet_profiles.exchanges.json": (0, 0, 3, 0, 0, 0, 0, 0),
        "devnet_searchPosts_pages.exchanges.json": (60, 0, 0, 0, 0, 0, 0, 0),
        "marshalx_custom_record.json": (1, 0, 0, 0, 0, 0, 0, 0),
        "marshalx_did_doc.json": (0, 0, 0, 0, 0, 0, 0, 1),
        "marshalx_extended_post_record.json": (1, 0, 0, 0, 0, 0, 0, 0),
        "marshalx_feed_record.json": (0, 0, 0, 0, 0, 0, 0, 1),
        "marshalx_get_follows.json": (0, 0, 6, 0, 0, 6, 0, 0),
        "marshalx_like_record.json": (0, 0, 0, 0, 0, 0, 0, 1),
        "marshalx_post_record.json": (1, 0, 0, 0, 0, 0, 0, 0),
        "marshalx_thread_view_post_with_embed_media.json": (1, 0, 0, 0, 0, 0, 0, 0),
    },
}
SOURCE_OF = {"instagram_web": "instagram"}
CASES = [(folder, file) for folder, files in HELD.items() for file in files]


def held(found: list[Page]) -> tuple[int, ...]:
    kinds = ("posts", "top", "profiles", "tags", "comments", "follows")
    numbers = [sum(len(getattr(page, kind)) for page in found) for kind in kinds]
    errors = sum(page.error is not None for page in found)
    return (*numbers, errors, sum(len(page.aside) for page in found))


@pytest.mark.parametrize(("folder", "file"), CASES)
def test_a_recorded_file_is_read_without_unexplained_loss(
    recordings: Path, folder: str, file: str
) -> None:
    source = SOURCES[SOURCE_OF.get(folder, folder)]()
    body = (recordings / folder / file).read_bytes()
    found = list(pages(source, body, observed_at=NOW, name=file))
    assert held(found) == HELD[folder][file]
    assert all(note.reason for page in found for note in page.aside)
    assert len(list(lines(source, file, body, observed_at=NOW))) == sum(held(found)[:-1]) + 1


def test_every_recorded_file_of_our_networks_is_told(recordings: Path) -> None:
    there = {(d, path.name) for d in HELD for path in (recordings / d).glob("*.json")}
    assert there == set(CASES)
