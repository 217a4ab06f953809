"""Fuzzes one target with atheris: `python -m fuzz.one TARGET SECONDS FOLDER`.

The folder holds the seeds and gets what atheris adds, and the body that made the target fail.
"""

import random
import sys

import atheris
import msgspec

with atheris.instrument_imports(include=["ingestor.sources", "ingestor.rows"]):
    from fuzz import targets

from invented import mutations


def mutated(data: bytes, most: int, seed: int) -> bytes:
    """Return a body with something wrong: by turns in its tree and in its bytes."""
    if random.Random(seed).random() < 0.5:
        try:
            tree = msgspec.json.decode(data)
            return next(mutations.bodies(seed, 1, [tree]))[:most]
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            pass
    return bytes(atheris.Mutate(data, most))


def main(name: str, seconds: str, folder: str) -> None:
    """Fuzz for so many seconds."""
    _, target = targets.TARGETS[name]
    limits = [f"-max_total_time={seconds}", "-timeout=30", f"-max_len={targets.LARGEST}"]
    report = ["-print_final_stats=1", "-verbosity=0", f"-artifact_prefix={folder}/failed-"]
    atheris.Setup([sys.argv[0], *limits, *report, folder], target, custom_mutator=mutated)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
