import pytest

from simnet.ids import did, hashtag_id, number_of_key, pk_of, short_code, sortable_key


def test_short_code_is_instagrams_own() -> None:
    # The pair stands in a recorded answer of generation D.
    assert short_code(2679246333998407230) == "CUumFhzvh4-"


@pytest.mark.parametrize("pk", [0, 1, 63, 64, 2**62 + 12345])
def test_short_code_leads_back_to_the_number(pk: int) -> None:
    assert pk_of(short_code(pk)) == pk


def test_record_keys_sort_as_their_numbers() -> None:
    keys = [sortable_key(number) for number in (5, 31, 32, 10**18, 2**60)]
    assert keys == sorted(keys)
    assert [number_of_key(key) for key in keys] == [5, 31, 32, 10**18, 2**60]


def test_dids_differ_and_look_like_dids() -> None:
    found = {did(number) for number in range(1000)}
    assert len(found) == 1000
    assert all(one.startswith("did:plc:") and len(one) == 32 for one in found)


def test_hashtag_ids_have_seventeen_digits() -> None:
    assert len(hashtag_id(2**62)) == 17
