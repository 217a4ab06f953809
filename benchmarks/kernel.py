"""The parsing kernel against the reference parser, msgspec's bare decoder and a copy of the bytes.

    .venv/bin/python benchmarks/kernel.py                   # half a minute

One answer to rows, and the JSON of a third of its posts (as many as usually are new) or of all.
Bodies: a tag page of generation C with 60 posts as the wire has it, once with hashtags in six
scripts, once with ASCII alone; and, where they are, real recordings written as the wire writes them
(escaped to ASCII, no white space). CPU time of this process; variants alternate, medians with the
spread.
"""

import argparse
import json
import random
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from _rig import alternate, machine, spread, table

from ingestor import kernel
from ingestor.contract import Rows, Seen
from ingestor.rows import COMMENT, RecordRows
from ingestor.sources.instagram import Instagram

RECORDINGS = Path(__file__).parents[2] / "shared" / "data" / "recordings" / "instagram_web"
RECORDED = (
    "graphql_hashtag_paris_p1",
    "graphql2020_tagpage_test",
    "graphql_user_timeline",
    "sections2021_tag_cocacola_a",
)
SEEN = Seen(observed_at=datetime(2026, 11, 21, 12, tzinfo=UTC))
SOURCE = Instagram()
SECONDS = 0.05  # of each turn
SCRIPTS = (
    "ka lo ri ne sta ber to mi pra sun ven da li fu gra gan",
    "ma ter ho li fen sta in go cra pel du nor tu si by low",
    "á ción é ne ñ o rí a da lle mos ta qu ie re ú",
    "ß ü ber ge ä nds sch ön en er ich tra wei mu ö st",
    "ди ли ми ни ти шли цви би зи дни жи щи люб мил зим",
    "東 京 写 真 好 き 春 の 花 旅 海 猫 美 味 し い",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    if kernel.kernel_name() != "c":
        sys.exit("the kernel is not compiled: install a C compiler, then `make install`")
    rows = [["body", "kB", *_VARIANTS, "kernel / reference", "MB/s"]]
    for name, body in bodies():
        rows.append(measured(name, body, rounds))
    print(f"microseconds of CPU for one page; {machine()}\n")
    print(table(rows))


def measured(name: str, body: bytes, rounds: int) -> list[str]:
    """Return the table's row of one body."""
    assert kernel.read_instagram(body, SEEN, version=1) is not None, f"{name} is handed over"
    turns = {key: _turn(variant, body) for key, variant in _VARIANTS.items()}
    took = {key: spread(values) for key, values in alternate(turns, rounds).items()}
    cells = [f"{t.median:.0f} ({t.low:.0f}-{t.high:.0f})" for t in took.values()]
    ours, reference = took["kernel, third"].median, took["reference, third"].median
    speed = len(body) / took["kernel, third"].median
    return [name, f"{len(body) / 1e3:.0f}", *cells, f"{ours / reference:.3f}", f"{speed:.0f}"]


def _turn(variant: Callable[[bytes], object], body: bytes) -> Callable[[], float]:
    def turn() -> float:
        count, start = 0, time.process_time()
        while (took := time.process_time() - start) < SECONDS:
            variant(body)
            count += 1
        return took / count * 1e6

    return turn


def _kernel_rows(body: bytes) -> Rows:
    page = kernel.read_instagram(body, SEEN, version=1)
    assert page is not None
    assert page.rows is not None
    return page.rows


def _write(rows: Rows, part: int) -> None:
    """Write the records of one row in `part`."""
    for row in range(0, len(rows.kinds), part):
        rows.body(row, rows.handles[row], None)
        if part > 1 and rows.kinds[row] != COMMENT:
            rows.snapshot(row, None, "o", None, None)


_VARIANTS: dict[str, Callable[[bytes], object]] = {
    "kernel, rows": _kernel_rows,
    "kernel, third": lambda body: _write(_kernel_rows(body), 3),
    "kernel, all": lambda body: _write(_kernel_rows(body), 1),
    "reference, third": lambda body: _write(RecordRows(SOURCE.parse(body, SEEN)), 3),
    "msgspec decode": msgspec.json.decode,
    "copy": bytearray,
}


def bodies() -> Iterator[tuple[str, bytes]]:
    """Yield names and bodies."""
    yield "60 posts, six scripts", page(len(SCRIPTS))
    yield "60 posts, ASCII", page(2)
    for name in RECORDED:
        path = RECORDINGS / f"{name}.json"
        if path.exists():
            yield name, _wire(json.loads(path.read_bytes()))


def _wire(tree: Any) -> bytes:
    return json.dumps(tree, separators=(",", ":")).replace("&", "\\u0026").encode()


def page(scripts: int) -> bytes:
    """Return a tag page of generation C with 60 posts, hashtags in the first so many scripts."""
    dice = random.Random(scripts)
    edges = [{"node": _node(dice, number, scripts)} for number in range(60)]
    info = {"has_next_page": True, "end_cursor": "QVFEYy1pYW90TGt4aWF0aExLQnM4c1JCYV9BbkhkbmZySzRK"}
    tag = {
        "id": "17841562498105353",
        "name": "sunday",
        "allow_following": True,
        "profile_pic_url": "https://cdn.example/v/t51.2885-15/1_n.jpg",
        "edge_hashtag_to_media": {"count": 125782874, "page_info": info, "edges": edges},
    }
    return _wire({"graphql": {"hashtag": tag}, "status": "ok"})


def _node(dice: random.Random, number: int, scripts: int) -> dict[str, Any]:
    script = dice.randrange(scripts)
    text = " ".join(_word(dice, script) for _ in range(dice.randrange(4, 26)))
    tags = " #".join(_word(dice, dice.choice((0, 0, script))) for _ in range(dice.randrange(1, 19)))
    film = number % 5 == 4
    picture = f"https://cdn.example/v/t51.2885-15/e35/{dice.randrange(10**40):040}_n.jpg"
    signed = (
        f"?_nc_cat={dice.randrange(100, 112)}&_nc_ohc={dice.randrange(16**8):x}&oh={number:032x}"
    )
    return {
        "comments_disabled": False,
        "__typename": "GraphVideo" if film else "GraphImage",
        "id": str(2_498_000_000_000_000_000 + number),
        "edge_media_to_caption": {"edges": [{"node": {"text": f"{text} ❤️\n\n#{tags}"}}]},
        "shortcode": f"CKsCop{number:05}",
        "edge_media_to_comment": {"count": dice.randrange(20)},
        "taken_at_timestamp": 1_612_050_630 - number,
        "dimensions": {"height": 1350, "width": 1080},
        "display_url": picture + signed,
        "edge_liked_by": {"count": dice.randrange(900)},
        "edge_media_preview_like": {"count": dice.randrange(900)},
        "owner": {"id": str(dice.randrange(40 * 10**9))},
        "thumbnail_src": picture + signed,
        "is_video": film,
        "accessibility_caption": None
        if film
        else f"Photo by {_word(dice, 0)}. May contain: beach.",
    }


def _word(dice: random.Random, script: int) -> str:
    return "".join(dice.choices(SCRIPTS[script].split(), k=dice.randrange(1, 5)))


if __name__ == "__main__":
    main()
