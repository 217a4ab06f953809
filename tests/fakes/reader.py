"""A reader of the page in a real Chromium, who notes every complaint of it."""

from collections.abc import Iterator

from playwright.sync_api import Browser, Page, expect

PHONE = {"width": 360, "height": 740}


def opened(browser: Browser, complaints: list[str], **options: object) -> Iterator[Page]:
    """Open a page of its own; in the end nothing may have complained."""
    context = browser.new_context(locale="en-GB", timezone_id="UTC", **options)  # type: ignore[arg-type] # playwright's own names
    page = context.new_page()
    page.set_default_timeout(20_000)
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    assert complaints == []


def drawn(page: Page) -> None:
    """Wait until the whole report is there."""
    page.wait_for_selector(".plot svg")
    page.wait_for_selector("[aria-busy]", state="detached")
    expect(page.get_by_role("table", name="Top posts by engagements")).to_be_visible()


def wide(page: Page) -> int:
    """Return how wide the page is, in pixels; more than the screen means it scrolls sideways."""
    width: int = page.evaluate("document.documentElement.scrollWidth")
    return width
