"""Faults on the wire to Elasticsearch, each as the one error the rest of the system knows."""

from collections.abc import AsyncIterator

import pytest

from fakes.elastic import FakeElastic, Fault, Refusal
from lake.connection import LARGE, Connection
from lake.errors import BadQuestion, LakeError, Misplaced, Refused, TooLarge, Unavailable


@pytest.fixture
async def fake() -> AsyncIterator[FakeElastic]:
    async with FakeElastic() as server:
        yield server


@pytest.fixture
async def connection(fake: FakeElastic) -> AsyncIterator[Connection]:
    made = Connection(fake.url, seconds=0.5)
    yield made
    await made.close()


def body(size: int) -> bytes:
    action = b'{"index":{"_index":"i","_id":"1","version":1}}'
    return action + b'\n{"text":"' + b"x" * size + b'"}\n'


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("reset", Unavailable),
        ("stall", Unavailable),
        ("html 400", Misplaced),
        ("old client", Misplaced),
        (Refusal(400, type="illegal_argument_exception"), Refused),
        (Refusal(401, type="security_exception"), Misplaced),
        (Refusal(403, type="security_exception"), Misplaced),
        (Refusal(404, type="x"), Misplaced),
        (Refusal(413), TooLarge),
        (Refusal(429), Unavailable),
        (Refusal(503), Unavailable),
    ],
)
async def test_each_fault_of_a_bulk_request_is_one_error(
    fake: FakeElastic, connection: Connection, fault: Fault | Refusal, error: type[LakeError]
) -> None:
    fake.faults.append(fault)
    with pytest.raises(error) as raised:
        await connection.bulk(body(10), documents=1)
    assert "SECRET" not in str(raised.value)


async def test_a_connection_that_breaks_under_a_large_body_asks_for_smaller_ones(
    fake: FakeElastic, connection: Connection
) -> None:
    fake.faults.append("reset")
    with pytest.raises(TooLarge):
        await connection.bulk(body(LARGE), documents=1)


async def test_a_lake_that_is_not_there_does_not_ask_for_smaller_bodies(
    fake: FakeElastic,
) -> None:
    connection = Connection("http://127.0.0.1:1", seconds=0.5)
    with pytest.raises(Unavailable):
        await connection.bulk(body(LARGE), documents=1)
    await connection.close()


async def test_a_lake_says_how_long_to_wait(fake: FakeElastic, connection: Connection) -> None:
    fake.faults.append(Refusal(429, retry_after="7"))
    with pytest.raises(Unavailable) as raised:
        await connection.bulk(body(1), documents=1)
    assert raised.value.retry_after == 7.0


@pytest.mark.parametrize("wish", ["-1", "nan", "inf", "Wed, 21 Oct 2015 07:28:00 GMT"])
async def test_an_absurd_wish_is_ignored(
    fake: FakeElastic, connection: Connection, wish: str
) -> None:
    fake.faults.append(Refusal(503, retry_after=wish))
    with pytest.raises(Unavailable) as raised:
        await connection.bulk(body(1), documents=1)
    assert raised.value.retry_after is None


@pytest.mark.parametrize(
    ("given", "header"),
    [
        ({}, None),
        ({"user": "taglake", "password": "pw"}, "Basic dGFnbGFrZTpwdw=="),
        ({"api_key": "a2V5"}, "ApiKey a2V5"),
    ],
)
async def test_credentials_go_with_every_request(
    fake: FakeElastic, given: dict[str, str], header: str | None
) -> None:
    connection = Connection(fake.url, **given)  # type: ignore[arg-type]  # only words are given
    await connection.ask("/x/_search", {})
    await connection.bulk(body(1), documents=1)
    await connection.close()
    assert fake.credentials == [header, header]


@pytest.mark.parametrize(
    ("url", "certificates"),
    [
        ("localhost:9200", None),
        ("http://es", None),
        ("", None),
        ("user:SECRET@es:9200", None),
        ("https://es:9200", "/no/such/file.pem"),
    ],
)
def test_an_unusable_address_is_one_clear_error(url: str, certificates: str | None) -> None:
    with pytest.raises(Misplaced, match="needs a scheme, a host and a port") as raised:
        Connection(url, ca_certs=certificates)
    assert "SECRET" not in str(raised.value)


async def test_no_document_reaches_the_log(
    connection: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    await connection.bulk(body(10).replace(b"xx", b"SECRET"), documents=1)
    assert "SECRET" not in caplog.text


async def test_a_broken_kept_connection_is_not_used_for_a_silent_second_request(
    fake: FakeElastic, connection: Connection
) -> None:
    await connection.bulk(body(1), documents=1)
    fake.faults.append("reset after apply")
    with pytest.raises(Unavailable):
        await connection.bulk(body(1), documents=1)
    assert len(fake.bulks) == 2


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ('{"responses":[{"status":200},{"status":503}]}', Unavailable),
        ('{"responses":[{"status":400,"error":{"type":"x"}}]}', BadQuestion),
        ('{"responses":[{"status":404,"error":{"type":"x","reason":"SECRET"}}]}', Misplaced),
        ('{"responses":[{"status', Unavailable),
        ("{}", Unavailable),
    ],
)
async def test_one_search_of_many_that_fails_fails_all(
    fake: FakeElastic, connection: Connection, answer: str, error: type[LakeError]
) -> None:
    fake.searches = answer
    with pytest.raises(error) as raised:
        await connection.ask_many("/i-*", [{}, {}])
    assert "SECRET" not in str(raised.value)


async def test_no_searches_are_no_request(connection: Connection) -> None:
    assert await connection.ask_many("/i-*", []) == []
