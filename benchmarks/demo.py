"""How long it takes from an installed environment to an open report: `taglake demo`.

Starts the demo as a user would, waits for the link it prints, opens the page and the report's
summary over HTTP, and ends it. Then plays twice more with `--once --json` and compares the bytes.
"""

import argparse
import json
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

GOAL_SECONDS = 60.0
TAGLAKE = [sys.executable, "-m", "taglake", "demo"]


def to_open_report() -> float:
    """Return the seconds from the command to a summary read over HTTP."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        command = [*TAGLAKE, "--port", "0", "--folder", f"{folder}/demo"]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as process:
            assert process.stdout is not None
            try:
                link = next(line for line in process.stdout if line.startswith("page: "))
                found = re.search(r"(http://\S+)/#key=(\S+)&campaign=(\S+)", link)
                assert found is not None
                _open(*found.groups())
                return time.monotonic() - began
            finally:
                process.send_signal(signal.SIGTERM)
                process.stdout.read()
                process.wait(30)


def _open(address: str, key: str, campaign: str) -> None:
    for _ in range(100):  # the link is printed a moment before the first request is taken
        try:
            urllib.request.urlopen(f"{address}/", timeout=10).read()
            break
        except OSError:
            time.sleep(0.05)
    request = urllib.request.Request(
        f"{address}/v1/campaigns/{campaign}/summary", headers={"Authorization": f"Bearer {key}"}
    )
    assert json.load(urllib.request.urlopen(request, timeout=30))


def played(seed: int) -> tuple[bytes, float]:
    """Return the report of one play as bytes, and the seconds it took."""
    began = time.monotonic()
    done = subprocess.run(
        [*TAGLAKE, "--once", "--json", "--seed", str(seed)], capture_output=True, check=True
    )
    return done.stdout, time.monotonic() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    opened = [to_open_report() for _ in range(rounds)]
    (first, a), (second, b) = played(7), played(7)
    print(f"{'command to open report, s':<32} {' '.join(f'{one:7.1f}' for one in opened)}")
    print(f"{'--once --json, s':<32} {a:7.1f} {b:7.1f}")
    print(f"{'same seed, same bytes':<32} {first == second}")
    figures = {
        "seconds": round(statistics.median(opened), 1),
        "spread_seconds": round(max(opened) - min(opened), 1),
        "same_bytes": first == second,
    }
    goals = {"seconds": GOAL_SECONDS, "same_bytes": True}
    passed = figures["seconds"] <= GOAL_SECONDS and first == second
    print(json.dumps({"name": "demo", "figures": figures, "goals": goals, "pass": passed}))


if __name__ == "__main__":
    main()
