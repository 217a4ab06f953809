from insights.figures.handles import cut, plain, shortened


def test_the_server_is_left_out_where_that_leaves_no_doubt() -> None:
    handles = ["ann@a.example", "bob@a.example", "bob@b.example"]
    assert shortened(handles, "mastodon") == ["ann", "bob@a.example", "bob@b.example"]


def test_a_point_is_part_of_a_name_but_on_bluesky() -> None:
    assert shortened(["ann.bsky.social"], "bluesky") == ["ann"]
    assert shortened(["ann.of.arc"], "instagram") == ["ann.of.arc"]


def test_long_handles_are_cut() -> None:
    assert shortened(["x" * 40], "mastodon") == ["x" * 19 + "…"]
    assert cut("four") == "four"


def test_a_handle_that_begins_with_its_server_keeps_it() -> None:
    assert shortened(["@a.example"], "mastodon") == ["@a.example"]


def test_letters_that_turn_the_text_around_them_are_taken_out() -> None:
    assert plain("\u202eevil\u2066\u200f\n") == "evil"
    assert plain("<b>\u05d0\u05d1</b>") == "<b>\u05d0\u05d1</b>"
