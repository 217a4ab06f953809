"""`plan`, `report` and `export`: ask before, read after, take away."""

import csv
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from fakes.campaign_world import START
from fakes.terminal import Run
from registry.models import Campaign

ACCOUNT = '[[accounts]]\nsource = "{source}"\nname = "here"\nbase_url = "http://127.0.0.1:1"\n'
PLAN = ("plan", "nike", "adidas", "--start", "2027-01-01", "--end", "2027-01-15")


def _account(home: Path, source: str) -> None:
    (home / "taglake.toml").write_text(ACCOUNT.format(source=source))


def test_a_plan_says_what_a_campaign_would_cost(ready: Run, home: Path) -> None:
    _account(home, "mastodon")
    shown = ready(*PLAN, "--network", "mastodon")
    assert (shown.code, shown.err) == (0, "")
    assert "mastodon/tag/nike" in shown.out
    assert "mastodon/here" in shown.out
    assert "requests/h of 3600 that the lanes allow" in shown.out

    plan = json.loads(ready(*PLAN, "--network", "mastodon", "--json").out)
    assert plan["fits"] is True
    assert {target["name"] for target in plan["targets"]} == {"nike", "adidas"}


def test_a_plan_saves_nothing(ready: Run, home: Path) -> None:
    _account(home, "mastodon")
    ready(*PLAN, "--network", "mastodon")
    assert ready("report").out.startswith("there are no campaigns yet")


def test_a_campaign_that_does_not_fit_ends_with_5_and_says_what_would(
    ready: Run, home: Path
) -> None:
    _account(home, "instagram_graph")
    tags = [f"tag{number}" for number in range(31)]  # a login has 30 slots in 7 days
    line = ("plan", *tags, "--network", "instagram", "--start", "2027-01-01", "--end", "2027-01-15")
    shown = ready(*line)
    assert shown.code == 5
    assert "does not fit: " in shown.out
    assert "would fit on instagram: 30 hashtags" in shown.out

    plan = json.loads(ready(*line, "--json").out)
    assert plan["fits"] is False
    assert plan["would_fit"][0]["hashtags"] == 30


def test_a_network_without_account_is_named(ready: Run) -> None:
    shown = ready(*PLAN, "--network", "mastodon")
    assert shown.code == 5
    assert "no account for mastodon: leave it out, or add one to taglake.toml" in shown.out


def test_campaigns_are_listed(ready: Run, campaign: Campaign) -> None:
    assert ready("report").out == (f"{campaign.id}  ended   2026-03-08 to 2026-03-22  Spring run\n")
    assert json.loads(ready("report", "--json").out)["id"] == campaign.id


def test_a_report_by_name_or_id_is_ten_lines(ready: Run, campaign: Campaign) -> None:
    by_name = ready("report", "Spring run")
    assert by_name.code == 0
    assert len(by_name.out.splitlines()) == 10
    assert "Spring run" in by_name.out
    # Minutes pass in a header between two calls; what is counted does not change.
    assert ready("report", campaign.id).out.splitlines()[2:] == by_name.out.splitlines()[2:]


def test_a_whole_report_is_json(ready: Run, campaign: Campaign) -> None:
    report = json.loads(ready("report", "Spring run", "--json").out)
    assert set(report) == {
        "summary", "share_of_voice", "before_during_after", "posts", "publishers", "hashtags",
        "timeseries", "quality",
    }  # fmt: skip
    assert report["summary"]["kpis"]["posts"]["value"] == 5
    assert [post["id"] for post in report["posts"]["posts"]] == [
        "mastodon:p11", "mastodon:p12", "instagram:p14", "mastodon:p15", "mastodon:p13",
    ]  # fmt: skip


def test_a_report_as_of_a_day_knows_nothing_later(ready: Run, campaign: Campaign) -> None:
    whole = ready("report", "Spring run", "--as-of", "2026-03-11T00:00:00Z", "--json")
    report = json.loads(whole.out)
    assert report["summary"]["header"]["as_of"] == "2026-03-11T00:00:00Z"
    assert report["summary"]["kpis"]["posts"]["value"] == 3


def test_a_report_of_tomorrow_is_refused(ready: Run, campaign: Campaign) -> None:
    shown = ready("report", "Spring run", "--as-of", "2999-01-01")
    assert shown.code == 2
    assert "as_of" in shown.err
    assert "give a time that has passed" in shown.err


def test_a_campaign_that_does_not_exist_ends_with_3(ready: Run, campaign: Campaign) -> None:
    for words in (("report", "Autumn"), ("export", "out", "--campaign", "Autumn")):
        shown = ready(*words)
        assert shown.code == 3
        assert "campaign 'Autumn': no such id or name; `taglake report` lists them" in shown.err


def _ids(folder: Path, form: str) -> list[str]:
    if form == "parquet":
        return sorted(pq.read_table(folder / "posts", partitioning=None).column("id").to_pylist())
    text = (folder / f"posts.{form}").read_text(encoding="utf-8")
    rows = (
        csv.DictReader(text.splitlines()) if form == "csv" else map(json.loads, text.splitlines())
    )
    return sorted(row["id"] for row in rows)


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_a_campaign_is_exported_in_each_format(
    ready: Run, home: Path, campaign: Campaign, form: str
) -> None:
    shown = ready("export", "out", "--campaign", "Spring run", "--format", form)
    assert shown.code == 0, shown.err
    found = _ids(home / "out", form)
    assert {"mastodon:p11", "mastodon:a11", "mastodon:u11"} < set(found)
    assert not {"mastodon:x01", "bluesky:x02"} & set(found)
    assert shown.out.startswith(f"{len(found)} records, ")


def test_a_time_range_is_exported_with_several_tables(
    ready: Run, home: Path, campaign: Campaign
) -> None:
    shown = ready(
        "export", "out", "--since", f"{START:%Y-%m-%d}", "--format", "jsonl",
        "--table", "posts", "--table", "snapshots", "--table", "profiles", "--json",
    )  # fmt: skip
    written = json.loads(shown.out)
    assert set(written["files"]) == {"posts.jsonl", "snapshots.jsonl", "profiles.jsonl"}
    assert written["records"] == sum(
        len((home / "out" / name).read_text().splitlines()) for name in written["files"]
    )


def test_a_campaigns_snapshots_are_exported_beside_its_posts(
    ready: Run, home: Path, campaign: Campaign
) -> None:
    shown = ready(
        "export", "out", "--campaign", "Spring run", "--format", "jsonl",
        "--table", "posts", "--table", "snapshots",
    )  # fmt: skip
    assert shown.code == 0, shown.err
    lines = (home / "out" / "snapshots.jsonl").read_text().splitlines()
    posts = set(_ids(home / "out", "jsonl"))
    assert lines
    assert {json.loads(line)["subject_id"] for line in lines} <= posts


def test_a_destination_that_exists_is_left_alone(ready: Run, home: Path) -> None:
    (home / "out").mkdir()
    (home / "out" / "mine").write_text("mine")
    shown = ready("export", "out")
    assert shown.code == 2
    assert "DESTINATION out: is there already; name a new folder" in shown.err
    assert (home / "out" / "mine").read_text() == "mine"
