"""What the scanner lets pass is strict JSON, and the writer writes it as msgspec would."""

import json
import random
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestor.kernel.writer import canonical, instant_json, text_json
from invented import mutations
from invented.instagram import TAG_PAGE

PLAIN = [
    (b" {} ", b"{}"),
    (b"[]", b"[]"),
    (b'\t[1 , -2\n,{ "a" : [ ] }]\r\n', b'[1,-2,{"a":[]}]'),
    (b'["\\u00e9\\u00E9\\/\\ud83d\\ude00"]', '["éé/😀"]'.encode()),
    (b'["\\u0041\\u0001\\u000A\\u001F\\u0022\\u005c"]', b'["A\\u0001\\n\\u001f\\"\\\\"]'),
    (b'["\\b\\f\\n\\r\\t\\"\\\\", "\x7f"]', b'["\\b\\f\\n\\r\\t\\"\\\\","\x7f"]'),
    (b'{"\xc3\xa9": true, "": null, "f": false}', b'{"\xc3\xa9":true,"":null,"f":false}'),
    (b"[0, 1.0, -0.0, 0.5, 48.8667, 0.00001, 123456789012345]", None),
    (b"[9223372036854775807, -999999999999999999, 1.00000000000005]", None),
    (b'"a string alone"', b'"a string alone"'),
    (b"[" * 64 + b"]" * 64, b"[" * 64 + b"]" * 64),
]


@pytest.mark.parametrize(("body", "written"), PLAIN)
def test_plain_json_is_written_as_msgspec_writes_it(body: bytes, written: bytes | None) -> None:
    expected = body.replace(b", ", b",") if written is None else written
    assert canonical(body) == expected == msgspec.json.encode(msgspec.json.decode(body))


@pytest.mark.parametrize(
    "body",
    [
        *(
            b"",
            b" ",
            b"{",
            b"[",
            b'"',
            b'"\\',
            b'"\\u',
            b'"\\u00',
            b"{}x",
            b"[1,]",
            b"[,1]",
            b"{,}",
        ),
        *(b'{"a"}', b'{"a":}', b'{"a":1,}', b'{"a" 1}', b"{a:1}", b"[1 2]", b"[1}", b'{"a":1]'),
        *(
            b"t",
            b"nul",
            b"fa",
            b"TRUE",
            b"NaN",
            b"-",
            b"+1",
            b"01",
            b"1.",
            b".5",
            b"1e",
            b"--1",
        ),
        *(b'"\t"', b'"\x00"', b"\x00", b'"\\x"', b'"\\u12g4"', b'"\\U0041"', b"// c\n1", b"'a'"),
        b"\xef\xbb\xbf{}",  # a byte order mark
        *(b'"\x80"', b'"\xc0\x80"', b'"\xe0\x80\x80"', b'"\xed\xa0\x80"', b'"\xf4\x90\x80\x80"'),
        *(b'"\xc3"', b'"\xe2\x82"', b'"\xf0\x9f\x98"', b'"\xff"', b'{"\xff": 1}'),
    ],
)
def test_what_is_no_json_is_handed_over(body: bytes) -> None:
    assert canonical(body) is None


@pytest.mark.parametrize(
    "body",
    [
        *(b'"\\u0000"', b'"\\ud800"', b'"\\ud800\\u0041"', b'"\\udc00"', b'"\\ud83d\\ud83d"'),
        *(b'{"a":1,"a":2}', b'{"a":1,"b":2,"a":3}', b'{"\\u0061":1}', b'{"a\\n":1}'),
        *(
            b"-0",
            b"1e5",
            b"1E-2",
            b"1.10",
            b"0.000001",
            b"0.12345678901234567890",
            b"1.33333333333333339",
        ),
        *(b"9223372036854775808", b"18446744073709551616", b"-9223372036854775808"),
        b"[" * 65 + b"]" * 65,
    ],
)
def test_json_whose_canonical_form_is_in_doubt_is_handed_over(body: bytes) -> None:
    json.loads(body)
    assert canonical(body) is None


def test_a_key_that_stands_twice_is_found_in_large_objects() -> None:
    keys = [f"key_{number}" for number in range(200)]
    good = msgspec.json.encode(dict.fromkeys(keys, 1))
    assert canonical(good) == good
    for key in (keys[0], keys[99], keys[199]):
        assert canonical(b'%s,"%s":2}' % (good[:-1], key.encode())) is None


def test_an_object_with_very_many_keys_is_handed_over() -> None:
    assert canonical(msgspec.json.encode({str(key): 1 for key in range(256)})) is not None
    assert canonical(msgspec.json.encode({str(key): 1 for key in range(257)})) is None


def test_a_large_body_needs_more_tokens_than_a_first_tape_holds() -> None:
    body = b"[%s]" % b",".join([b'{"a":[1,2]}'] * 40_000)
    assert canonical(body) == body


numbers = st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | st.text() | numbers,
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@settings(max_examples=40)
@given(values, st.booleans(), st.sampled_from([None, 0, 2]))
def test_any_value_is_written_as_msgspec_writes_it(
    value: object, ascii_only: bool, indent: int | None
) -> None:
    body = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode(
        "utf-8", "surrogatepass"
    )
    written = canonical(body)
    assert written is None or written == msgspec.json.encode(msgspec.json.decode(body))


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_text_is_escaped_as_msgspec_escapes_it(text: str) -> None:
    assert text_json(text) == msgspec.json.encode(text)
    body = json.dumps([text.replace("\0", "")]).encode()
    assert canonical(body) == msgspec.json.encode(msgspec.json.decode(body))


@given(st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999999)))
def test_instants_are_written_as_msgspec_writes_them(naive: datetime) -> None:
    instant = naive.replace(tzinfo=UTC)
    seconds, rest = divmod(instant - datetime(1970, 1, 1, tzinfo=UTC), timedelta(seconds=1))
    assert instant_json(seconds, rest.microseconds) == msgspec.json.encode(instant)


def test_mutated_bodies_are_written_as_msgspec_writes_them() -> None:
    read = 0
    for body in mutations.bodies(7, 1_000, [TAG_PAGE]):
        written = canonical(body)
        if written is not None:
            assert written == msgspec.json.encode(msgspec.json.decode(body))
            read += 1
    assert read > 500


def test_random_bytes_never_crash_the_scanner() -> None:
    chance = random.Random(3)
    letters = b'{}[]:,"\\u0123456789abcdefnrtls-+.eE \n\x00\x80\xc3\xa9\xf0\x9f\x98\x80'
    for _ in range(5_000):
        body = bytes(chance.choices(letters, k=chance.randrange(40)))
        written = canonical(body)
        if written is not None:
            assert written == msgspec.json.encode(msgspec.json.decode(body))


@given(st.floats(1e-3, 1e6))
def test_fractions_of_all_digits_are_read_where_they_are_shortest(number: float) -> None:
    written = msgspec.json.encode(number)
    assert canonical(written) == written
    longer = b"%.17g" % number
    if b"." in longer:
        assert canonical(longer) in (None, written)
