"""Walking a network's pages: until it gives no cursor, or one it gave before.

Never by a page's length: servers send short pages in the middle and full ones at the end.
"""

from collections.abc import AsyncIterator, Awaitable, Callable

from ingestor.contract import Page
from ingestor.sources import faults


async def walk(
    ask: Callable[[str | None], Awaitable[Page]], cursor: str | None
) -> AsyncIterator[Page]:
    """Yield the pages from `cursor` on. A full last page still carries a cursor, a short one may.

    Raises the error of a page that is one, and what `ask` raises.
    """
    asked = {cursor}
    while True:
        page = checked(await ask(cursor))
        yield page
        if page.cursor is None or page.cursor in asked:
            return
        cursor = page.cursor
        asked.add(cursor)


def checked(page: Page) -> Page:
    """Return the page; raise its error if the whole answer was one."""
    if page.error is not None:
        raise faults.error_of(page.error)
    return page
