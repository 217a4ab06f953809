"""Reach, overlap and communities as somebody reads them, in a real Chromium."""

import re
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from fakes.reader import PHONE, drawn, opened, wide
from fakes.served import Served
from fakes.tenants import NIKE

pytestmark = pytest.mark.browser


def strip(page: Page) -> Locator:
    """Return the reach in the strip of numbers."""
    numbers = page.get_by_role("region", name=re.compile("Key numbers"))
    return numbers.get_by_role("listitem").filter(has_text="Reach")


def audience(page: Page) -> Locator:
    return page.get_by_role("region", name="Audience", exact=True)


def communities(page: Page, served: Served) -> None:
    """Go to the communities and wait until they are drawn."""
    page.goto(f"{served.url}/#key={served.key}")
    page.get_by_role("link", name="Communities").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Communities")
    page.wait_for_selector(".plot svg")
    page.wait_for_selector("[aria-busy]", state="detached")


def answering(body: Any) -> Any:
    """Return an answer of the service."""

    def fulfil(route: Route) -> None:
        route.fulfill(json=body)

    return fulfil


def test_reach_says_what_it_stands_on(page: Page, served: Served) -> None:
    page.goto(served.link)
    drawn(page)
    expect(strip(page)).to_contain_text("8,256")
    expect(strip(page)).to_contain_text("counted; of 33 of 71 publishers with 58.11 % of their")
    for said in ("8,256 people", "counted one by one", "33 of 71", "a lower bound for all"):
        expect(audience(page)).to_contain_text(said)
    expect(audience(page).get_by_role("table", name="Reach by network")).to_contain_text("1.81")
    expect(audience(page).get_by_label("3 or more: 14.4%")).to_be_visible()
    strip(page).locator("dfn").hover()
    expect(page.locator("#tip")).to_contain_text("Following is not seeing")


def test_overlap_is_a_picture_and_a_table(page: Page, served: Served) -> None:
    page.goto(served.link)
    drawn(page)
    picture = audience(page).get_by_label(re.compile("^Overlap of the audiences of 20 publishers"))
    expect(picture).to_be_attached()
    audience(page).get_by_text("The accounts in numbers (20)").click()
    table = audience(page).get_by_role("table", name=re.compile("^Publishers whose followers"))
    expect(table.get_by_role("row")).to_have_count(21)
    row = table.get_by_role(
        "row", name=re.compile("^@runner24@social.example mastodon 540 complete")
    )
    expect(row).to_contain_text("55.9%")
    expect(row).to_contain_text("@runner29@social.example 32.5%")


def test_unknown_reach_says_why_instead_of_an_empty_figure(page: Page, served: Served) -> None:
    body = NIKE | {"name": "Quiet", "networks": ["instagram"], "competitors": []}
    made = httpx.post(f"{served.url}/v1/campaigns", json=body, headers={"X-API-Key": served.key})
    page.goto(f"{served.url}/#key={served.key}&campaign={made.json()['id']}")
    drawn(page)
    expect(strip(page)).to_contain_text("unknown")
    why = "no list of followers of these publishers is known: taglake audience collect reads them"
    expect(strip(page)).to_contain_text(why)
    expect(audience(page)).to_contain_text(f"Reach and overlap are unknown: {why}.")
    assert audience(page).locator(".plot").count() == 0


def test_a_report_of_the_past_says_why_it_has_no_reach(page: Page, served: Served) -> None:
    page.goto(served.link)
    drawn(page)
    page.get_by_text("Show the report as it was").click()
    page.get_by_label("Date and time").fill("2026-05-20T10:00")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(audience(page)).to_contain_text("lists of followers are kept as they are now")
    expect(strip(page)).to_contain_text("there is no reach of the past")
    assert audience(page).locator(".plot").count() == 0
    drawn(page)


def test_communities_are_mapped_and_listed(page: Page, served: Served) -> None:
    communities(page, served)
    expect(page.get_by_label(re.compile("^1 garden, .*: 12 accounts; 2 and"))).to_be_attached()
    cards = page.get_by_role("list", name="Communities on mastodon").locator("> li")
    expect(cards).to_have_count(3)
    expect(cards.first).to_contain_text("1 garden, roses, seedlings")
    expect(cards.first).to_contain_text("Accounts12")
    expect(cards.first.get_by_role("button")).to_have_count(10)
    expect(cards.first).to_contain_text("and 2 more")
    expect(page.get_by_text("1: every run finds the same")).to_be_visible()


def test_groups_no_better_than_chance_are_not_dressed_up(page: Page, served: Served) -> None:
    communities(page, served)
    part = page.get_by_role("region", name="Shared audiences on bluesky")
    expect(part).to_contain_text("no better than chance")
    expect(part.get_by_role("row").filter(has_text="@aaaa.bsky.example").first).to_contain_text(
        "@bbbb.bsky.example"
    )
    assert page.get_by_role("list", name="Shared audiences on bluesky").count() == 0
    assert "Modularity" not in part.inner_text()


def test_an_account_leads_to_those_most_like_it(page: Page, served: Served) -> None:
    communities(page, served)
    page.get_by_role("button", name="@runner24@social.example").click()
    box = page.get_by_role("dialog", name="Accounts most like @runner24@social.example")
    rows = box.get_by_role("row")
    expect(rows.nth(1)).to_contain_text("counted")
    expect(rows.nth(1)).to_contain_text(re.compile(r"\d+(\.\d)?%"))
    next_ = rows.nth(1).get_by_role("button").inner_text()
    rows.nth(1).get_by_role("button").click()
    expect(page.get_by_role("dialog", name=f"Accounts most like {next_}")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("button", name="@runner24@social.example")).to_be_focused()


def test_a_dot_of_the_map_leads_there_too(page: Page, served: Served) -> None:
    communities(page, served)
    page.get_by_role("region", name="Communities on mastodon").locator(
        '.mark-symbol path[aria-label*="runner24"]'
    ).first.click()
    expect(page.get_by_role("dialog", name=re.compile("runner24"))).to_be_visible()


def test_estimates_have_their_interval_and_say_so(page: Page, served: Served) -> None:
    account = {"id": "mastodon:x", "network": "mastodon", "handle": "x", "name": None,
        "followers": 9_000_000, "stated": None, "complete": False, "read_at": None}  # fmt: skip
    like = {"account": account, "similarity_percent": {"value": 12.5, "low": 9, "high": 16},
        "overlap_percent": {"value": 30, "low": 26, "high": 34.5}, "counted": False}  # fmt: skip
    page.route(
        "**/similar?*", answering({"account": account, "compared_with": 7, "similar": [like]})
    )
    communities(page, served)
    page.get_by_role("button", name="@runner24@social.example").click()
    row = page.get_by_role("dialog").get_by_role("row").nth(1)
    for said in ("12.5%", "9% to 16%", "30%", "26% to 34.5%", "estimated"):
        expect(row).to_contain_text(said)
    expect(page.get_by_role("dialog")).to_contain_text("which is not complete")


def test_no_audiences_say_who_collects_them(page: Page, served: Served) -> None:
    page.route("**/v1/communities", answering({"networks": []}))
    page.goto(f"{served.url}/#key={served.key}")
    page.get_by_role("link", name="Communities").click()
    expect(page.get_by_text("Nobody's followers are known yet")).to_be_visible()
    expect(page.get_by_text("taglake audience collect")).to_be_visible()


def test_hostile_names_stay_text(page: Page, served: Served) -> None:
    communities(page, served)
    name = "@<script>window.hacked=1</script>"
    expect(page.get_by_role("button", name=name)).to_be_visible()
    page.get_by_role("region", name="Communities on mastodon").locator(
        '.mark-symbol path[aria-label*="img src"]'
    ).first.hover()
    expect(page.locator("#vg-tooltip-element")).to_contain_text("<img src=x onerror=")
    page.mouse.move(0, 0)
    page.get_by_role("button", name=name).click()
    expect(page.get_by_role("dialog", name=f"Accounts most like {name}")).to_be_visible()
    assert page.evaluate("window.hacked") is None
    assert page.locator("main img, main script, dialog img, dialog script").count() == 0


def test_a_phone_is_not_scrolled_sideways_by_communities(browser: Browser, served: Served) -> None:
    for page in opened(browser, [], viewport=PHONE, is_mobile=True, has_touch=True):
        communities(page, served)
        assert wide(page) <= 360
        page.get_by_role("button", name="@runner24@social.example").click()
        expect(page.get_by_role("dialog").get_by_role("table")).to_be_visible()
        assert wide(page) <= 360
