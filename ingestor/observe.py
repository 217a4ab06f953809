"""From what a page shows to the lines that are worth keeping: new or changed records, and snapshots
of counts.

Pure but for the memory of what was seen, which it updates. A page comes as rows, from a kernel or
from records; only for a row that changed is its JSON asked for.
"""

import os
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from ingestor.contract import Rows
from ingestor.known import Known
from ingestor.rows import COUNTS, Observed
from lake.lines import line_of
from lake.records import Follow, Post, PostCounts

SNAPSHOT_EVERY = 3600.0  # seconds; unchanged counts are confirmed this often

if TYPE_CHECKING or os.environ.get("TAGLAKE_PURE") == "1":
    from ingestor import _compare_py as _kernel
else:
    try:
        from ingestor import _compare_c as _kernel
    except ImportError:  # no C compiler when it was installed
        from ingestor import _compare_py as _kernel


def kernel_name() -> str:
    """Return which kernel compares: "c" or "python"."""
    return "c" if _kernel.__name__.endswith("_c") else "python"


async def recall(rows: Rows, known: Known) -> None:
    """Bring to memory what `observe` compares the rows with.

    A refusal by the disk, for another page, makes memory forget meanwhile: then once more.
    """
    while ids := _kernel.unknown(rows, known):
        await known.fetch(ids)


def observe(
    rows: Rows,
    known: Known,
    *,
    observer: str,
    follows: Iterable[Follow] = (),
    snapshot_every: float = SNAPSHOT_EVERY,
) -> Observed:
    """Return the lines a page adds to the lake, after `recall` and nothing awaited since.

    A record is written when it is new or anything but its counts changed; or its counts did. A
    snapshot is written when a count changed or `snapshot_every` seconds passed. So an unchanged
    page gives no line.
    """
    found = _kernel.compare(rows, known, observer=observer, every=round(snapshot_every * 1000))
    # Edges have ids of their own making and no counts: a replay is harmless, remembering millions
    # is not.
    found.lines.extend(line_of(follow) for follow in follows)
    return found


def gone(post: Post, known: Known, *, at: datetime) -> Observed:
    """Return the line that marks a post as deleted; its counts are the last ones seen.

    Only for a post of which the network itself, asked directly, said that it is not there.
    """
    state = known.get(post.id)
    out = Observed(lines=[], seen=[])
    if state is None or state.deleted:
        return out
    known_counts = dict(zip(COUNTS, state.counts, strict=True))
    counts = PostCounts(**{name: known_counts[name] for name in PostCounts.__struct_fields__})
    marked = msgspec.structs.replace(post, deleted_at=at, observed_at=at, counts=counts)
    out.lines.append(line_of(marked))
    out.seen.append(known.put(post.id, msgspec.structs.replace(state, deleted=True)))
    return out
