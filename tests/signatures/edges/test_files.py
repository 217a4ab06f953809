from pathlib import Path

import numpy as np
import pytest

from signatures.edges.files import ArrayFile, new_folder, replace_text, write_file
from signatures.errors import BadStore

NUMBERS = np.arange(100, dtype=np.uint64)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "numbers"
    write_file(path, "numbers", {"all": NUMBERS, "none": NUMBERS[:0].astype(np.int64)}, color="red")
    return path


def test_arrays_come_back_from_a_file(path: Path) -> None:
    file = ArrayFile(path, "numbers")
    assert file.array("all").tolist() == list(range(100))
    assert file.array("none").dtype == np.int64
    assert file.facts["color"] == "red"
    file.check()


def test_an_array_may_come_in_parts(tmp_path: Path) -> None:
    write_file(tmp_path / "parts", "numbers", {"all": iter([NUMBERS[:7], NUMBERS[7:]])})
    file = ArrayFile(tmp_path / "parts", "numbers")
    assert file.array("all").tolist() == list(range(100))
    file.check()


def test_an_array_starts_at_a_multiple_of_64_bytes(path: Path) -> None:
    assert path.read_bytes()[64:72] == NUMBERS[:1].tobytes()


@pytest.mark.parametrize("left", [0, 7, 8, 64, 500, 865, -1])
def test_a_file_that_is_cut_off_is_refused(path: Path, left: int) -> None:
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(BadStore, match=r"numbers: .*(cut off|empty|is no file)"):
        ArrayFile(path, "numbers")


def test_a_foreign_file_is_refused(path: Path) -> None:
    path.write_bytes(b"PAR1" + bytes(1000) + b"PAR1")
    with pytest.raises(BadStore, match="is no file of audiences; remove what does not belong here"):
        ArrayFile(path, "numbers")


def test_a_file_of_another_kind_is_refused(path: Path) -> None:
    with pytest.raises(BadStore, match="holds 'numbers', not 'edges'"):
        ArrayFile(path, "edges")


def test_a_file_of_another_schema_is_refused(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b'"schema": 1', b'"schema": 9'))
    with pytest.raises(BadStore, match="schema 9, this version reads 1; update taglake"):
        ArrayFile(path, "numbers")


def test_a_file_with_a_broken_end_is_refused(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b'{"schema"', b'["schema"'))
    with pytest.raises(BadStore, match="its last bytes cannot be read"):
        ArrayFile(path, "numbers")


def test_an_array_that_is_not_there_is_refused(path: Path) -> None:
    with pytest.raises(BadStore, match="has no array 'some'"):
        ArrayFile(path, "numbers").array("some")


def test_a_flipped_byte_is_found_when_the_file_is_checked(path: Path) -> None:
    body = bytearray(path.read_bytes())
    body[200] ^= 1
    path.write_bytes(body)
    with pytest.raises(BadStore, match="all is damaged; restore the file from a copy"):
        ArrayFile(path, "numbers").check()


def test_a_file_is_not_written_over(path: Path) -> None:
    with pytest.raises(FileExistsError):
        write_file(path, "numbers", {"all": NUMBERS})


def test_what_was_mapped_stays_readable_when_the_file_goes(path: Path) -> None:
    file = ArrayFile(path, "numbers")
    path.unlink()
    assert file.array("all").sum() == 4950


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    with new_folder(tmp_path / "whole") as folder:
        (folder / "file").write_text("x")
        assert not (tmp_path / "whole").exists()
    assert (tmp_path / "whole" / "file").read_text() == "x"
    with pytest.raises(ZeroDivisionError), new_folder(tmp_path / "half") as folder:
        (folder / "file").write_text(str(1 // 0))
    assert [path.name for path in tmp_path.iterdir()] == ["whole"]


def test_a_small_file_is_replaced_whole(tmp_path: Path) -> None:
    for text in ("one", "two"):
        replace_text(tmp_path / "state", text)
    assert (tmp_path / "state").read_text() == "two"
    assert [path.name for path in tmp_path.iterdir()] == ["state"]
