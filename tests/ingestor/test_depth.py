import json
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestor import _depth_c, _depth_py
from ingestor.depth import kernel_name

pieces = st.lists(
    st.sampled_from([b"[", b"]", b"{", b"}", b'"', b"\\", b"a", b"\n", b"\xff", b"0"])
)
values = st.recursive(
    st.none() | st.booleans() | st.text(), lambda v: st.lists(v) | st.dictionaries(st.text(), v)
)


@pytest.fixture(params=[_depth_py, _depth_c], ids=["python", "cython"])
def kernel(request: pytest.FixtureRequest) -> ModuleType:
    return request.param


@pytest.mark.parametrize(
    ("text", "depth"),
    [
        (b"", 0),
        (b"12", 0),
        (b"[]", 1),
        (b'{"a":[1,[2]],"b":{}}', 3),
        (b'["[[[[","]]"]', 1),
        (rb'["\"[[",[]]', 2),
        (rb'["\\",[[]]]', 3),
        (b'["never closed [[[[', 1),
        (b"[" * 100_000, 100_000),
        (b"]]]][", 0),
    ],
)
def test_depth_counts_brackets_outside_strings(kernel: ModuleType, text: bytes, depth: int) -> None:
    assert kernel.depth(text) == depth


@given(pieces)
def test_kernels_agree_on_any_bytes(parts: list[bytes]) -> None:
    text = b"".join(parts)
    assert _depth_c.depth(text) == _depth_py.depth(text)


def nesting(value: object) -> int:
    if isinstance(value, list):
        return 1 + max(map(nesting, value), default=0)
    if isinstance(value, dict):
        return 1 + max(map(nesting, value.values()), default=0)
    return 0


@settings(max_examples=50)
@given(values)
def test_depth_of_real_json_is_its_nesting(value: object) -> None:
    assert _depth_c.depth(json.dumps(value).encode()) == nesting(value)


def test_the_compiled_kernel_serves() -> None:
    assert kernel_name() == "c"
