"""The page in a real Chromium, served by a real uvicorn: what a brand manager does with it."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from fakes.reader import PHONE, drawn, opened, wide
from fakes.served import Served

pytestmark = pytest.mark.browser


def test_a_key_is_asked_for_once_and_stays_out_of_the_address(page: Page, served: Served) -> None:
    page.goto(served.url)
    page.get_by_label("API key").fill(served.key)
    page.get_by_role("button", name="Open").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Campaigns")
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("Campaigns")
    assert served.key not in page.url


def test_a_link_gives_its_key_and_loses_it(page: Page, served: Served) -> None:
    page.goto(served.link)
    expect(page.get_by_role("heading", level=1)).to_have_text("Nike Spring")
    assert page.url == f"{served.url}/#/campaigns/{served.campaign}"


def test_the_report_is_read(page: Page, served: Served) -> None:
    page.goto(served.link)
    drawn(page)
    strip = page.get_by_role("region", name=re.compile("Key numbers of nike"))
    expect(strip.get_by_role("listitem").first).to_contain_text("225")
    expect(page.get_by_role("table", name="Share of voice by posts")).to_contain_text("Adidas")
    expect(page.get_by_text(re.compile("lift of"))).to_be_visible()
    expect(page.get_by_role("region", name="Data quality")).to_contain_text("30 min")
    for name in ("Posts over time", "Posts per tag", "Share of voice", "Who shares whose audience"):
        expect(page.get_by_role("heading", name=name)).to_be_visible()
    assert page.locator(".plot svg").count() == 4
    expect(page.get_by_text("unknown", exact=True).first).to_be_visible()


def test_what_strangers_post_is_text_and_nothing_else(page: Page, served: Served) -> None:
    page.goto(served.link)
    drawn(page)
    expect(page.get_by_text("<img src=x onerror=").first).to_be_visible()
    assert page.evaluate("window.hacked") is None
    assert page.locator("main img, main script, main iframe").count() == 0


def test_a_definition_opens_on_hover_and_on_focus(page: Page, served: Served) -> None:
    page.goto(served.link)
    term = page.locator("dfn", has_text="Engagement rate per post").first
    tip = page.locator("#tip")
    term.hover()
    expect(tip).to_contain_text("mean of ratios")
    page.mouse.move(0, 0)
    expect(tip).to_be_hidden()
    term.focus()
    expect(tip).to_be_visible()
    page.keyboard.press("Escape")
    expect(tip).to_be_hidden()
    described = term.get_attribute("aria-describedby")
    expect(page.locator(f"#{described}")).to_contain_text("mean of ratios")


def fill(page: Page) -> None:
    page.get_by_label("Name", exact=True).fill("Summer run")
    page.get_by_label("Hashtags", exact=True).fill("#summerrun nike")
    page.get_by_label("First day").fill("2026-06-01")
    page.get_by_label("Last day").fill("2026-06-14")
    page.get_by_role("button", name="Add a competitor").click()
    page.get_by_label("Competitor's name").fill("Adidas")
    page.get_by_label("Its hashtags").fill("#adidas")


def test_a_campaign_is_created_after_its_plan_was_shown(page: Page, served: Served) -> None:
    page.goto(served.link)
    page.get_by_role("link", name="New campaign").click()
    fill(page)
    page.get_by_role("button", name="Show the plan").click()
    plan = page.get_by_role("region", name="The plan: this fits")
    expect(plan.get_by_role("table", name="Planned targets")).to_contain_text("tag/summerrun")
    plan.get_by_role("button", name="Create the campaign").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Summer run")
    expect(page.get_by_text("1 Jun 2026 to 14 Jun 2026")).to_be_visible()
    page.get_by_role("link", name="Campaigns", exact=True).click()
    expect(page.get_by_role("link", name="Summer run")).to_be_visible()


def test_a_changed_form_wants_a_new_plan(page: Page, served: Served) -> None:
    page.goto(served.link)
    page.get_by_role("link", name="New campaign").click()
    fill(page)
    page.get_by_role("button", name="Show the plan").click()
    expect(page.get_by_role("button", name="Create the campaign")).to_be_visible()
    page.get_by_label("Name", exact=True).fill("Other")
    expect(page.get_by_role("button", name="Create the campaign")).to_have_count(0)


def test_a_refusal_is_told_in_words_at_its_field(
    page: Page, served: Served, complaints: list[str]
) -> None:
    page.goto(served.link)
    page.get_by_role("link", name="New campaign").click()
    fill(page)
    page.get_by_label("Last day").fill("2026-05-14")
    page.get_by_role("button", name="Show the plan").click()
    expect(page.get_by_role("alert")).to_contain_text("Write an end that is later than start")
    expect(page.get_by_label("Last day")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Last day")).to_be_focused()
    assert "{" not in page.locator("main").inner_text()
    refused = [text for text in complaints if "422" in text]  # Chromium notes every refused request
    complaints[:] = [text for text in complaints if text not in refused]


def test_a_phone_is_not_scrolled_sideways(browser: Browser, served: Served) -> None:
    for page in opened(browser, [], viewport=PHONE, is_mobile=True, has_touch=True):
        page.goto(served.link)
        drawn(page)
        assert wide(page) <= 360
        page.get_by_role("link", name="New campaign").click()
        fill(page)
        page.get_by_role("button", name="Show the plan").click()
        expect(page.get_by_role("button", name="Create the campaign")).to_be_visible()
        assert wide(page) <= 360
        page.get_by_role("link", name="Campaigns", exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Campaigns")
        assert wide(page) <= 360


def test_dark_follows_the_system_and_the_switch(browser: Browser, served: Served) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    for page in opened(browser, [], color_scheme="dark"):
        page.goto(served.link)
        drawn(page)
        assert page.evaluate(ground) == "rgb(20, 24, 27)"
        switch = page.get_by_role("button", name="Dark")
        expect(switch).to_have_attribute("aria-pressed", "true")
        switch.click()
        assert page.evaluate(ground) == "rgb(246, 245, 241)"
        page.reload()
        drawn(page)
        assert page.evaluate(ground) == "rgb(246, 245, 241)"


def test_the_keyboard_reaches_everything_in_order(page: Page, served: Served) -> None:
    page.goto(served.link)
    drawn(page)
    reached = []
    for _ in range(10):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.innerText.trim().split('\\n')[0]"))
    assert reached[:7] == [
        "Skip to the content",
        "taglake",
        "Campaigns",
        "New campaign",
        "Communities",
        "Dark",
        "Sign out",
    ]
    assert "CSV" in reached
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("API key")).to_be_visible()


def test_landmarks_names_and_captions_are_there(page: Page, served: Served) -> None:
    page.goto(served.link)
    drawn(page)
    for landmark in ("banner", "main", "navigation", "contentinfo"):
        assert page.get_by_role(landmark).count() >= 1  # type: ignore[arg-type] # a role's name
    assert page.locator("table:not(:has(caption))").count() == 0
    assert page.locator("h1").count() == 1
    named = "(e) => Boolean(e.innerText || e.labels?.length || e.ariaLabel)"
    controls = page.locator("button:visible, a:visible, input:visible").element_handles()
    assert all(control.evaluate(named) for control in controls)


def test_text_stands_out_from_its_ground_in_both_themes(browser: Browser, served: Served) -> None:
    for scheme in ("light", "dark"):
        for page in opened(browser, [], color_scheme=scheme):
            page.goto(served.link)
            drawn(page)
            for ink in ("ink", "soft", "accent", "up", "down", "warn"):
                for ground in ("paper", "card"):
                    assert contrast(page, ink, ground) >= 4.5, (scheme, ink, ground)


def contrast(page: Page, ink: str, ground: str) -> float:
    """Return the contrast of two of the page's colours (WCAG 2: 4.5 is AA)."""
    lights = [luminance(colour(page, name)) for name in (ink, ground)]
    return (max(lights) + 0.05) / (min(lights) + 0.05)


def colour(page: Page, name: str) -> list[int]:
    said = page.evaluate(
        f"getComputedStyle(document.documentElement).getPropertyValue('--{name}').trim()"
    )
    return [int(said[place : place + 2], 16) for place in (1, 3, 5)]


def luminance(colour: list[int]) -> float:
    parts = [value / 255 for value in colour]
    linear = [x / 12.92 if x <= 0.03928 else ((x + 0.055) / 1.055) ** 2.4 for x in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
