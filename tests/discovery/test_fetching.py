"""One fetch, of a real server: a whole answer with status 200, or one line about what it was instead."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest

from prober.discovery.fetching import FetchError, Fetching
from prober.net.network import Network
from prober.secret import SecretSource
from prober.settings.source import LARGEST_FILE
from tests.discovery.made import ListServer, listed

AGENT = "client-access-prober/1.0 (emulates={client})"
CANARY = "canary7f3a"


@pytest.fixture
def server() -> Iterator[ListServer]:
    with ListServer() as made:
        yield made


async def fetched(url: str, **more: object) -> bytes:
    return await Fetching(Network, AGENT)(listed(url, **more))


async def test_a_whole_answer_is_the_list_as_it_came(server: ListServer) -> None:
    """Asked by name, and for JSON first; without a secret none is shown."""
    server.body = b"[1, 2]"
    assert await fetched(server.url()) == b"[1, 2]"
    ((path, fields),) = server.asked
    assert (path, fields["User-Agent"]) == ("/targets", "client-access-prober/1.0 (emulates=discovery)")
    assert fields["Accept"].startswith("application/json")
    assert "Authorization" not in fields


async def test_a_packed_answer_is_unpacked(server: ListServer) -> None:
    server.answers["/targets"] = (200, {"Content-Encoding": "gzip"}, gzip.compress(b"[]"))
    assert await fetched(server.url()) == b"[]"


@pytest.mark.parametrize("status", [204, 206, 301, 302, 307, 308, 401, 404, 500, 503])
async def test_any_other_status_is_a_bad_list(server: ListServer, status: int) -> None:
    """A redirect is not followed, wherever it leads: nobody asks there, and no token is shown there."""
    elsewhere = server.url("/elsewhere")
    server.answers["/targets"] = (status, {"Location": elsewhere}, b"" if status == 204 else b"[]")
    with pytest.raises(FetchError, match=f"^was answered with status {status}$"):
        await fetched(server.url())
    assert [path for path, _ in server.asked] == ["/targets"]


@pytest.mark.parametrize("packed", [False, True])
async def test_what_is_too_large_is_bad(server: ListServer, packed: bool) -> None:
    """Also where little comes over the wire; one byte less is good."""

    def serve(size: int) -> None:
        body = b" " * size
        fields = {"Content-Encoding": "gzip"} if packed else {}
        server.answers["/targets"] = (200, fields, gzip.compress(body) if packed else body)

    serve(LARGEST_FILE + 1)
    with pytest.raises(FetchError, match=r"^is larger than 1 MiB$"):
        await fetched(server.url())
    serve(LARGEST_FILE)
    assert len(await fetched(server.url())) == LARGEST_FILE


async def test_what_never_ends_is_bad(server: ListServer) -> None:
    """A hundred megabytes in a few bytes: given up long before they are there."""
    server.answers["/targets"] = (200, {"Content-Encoding": "gzip"}, gzip.compress(bytes(100 << 20), 1))
    with pytest.raises(FetchError, match=r"^cannot be fetched \("):
        await fetched(server.url())


async def test_who_does_not_answer_in_time_is_given_up(server: ListServer) -> None:
    """The time that is configured, whatever the limits of the way out."""
    server.open.clear()
    with pytest.raises(FetchError, match=r"^no whole answer in time$"):
        await fetched(server.url(), timeout=0.05)


async def test_who_is_not_there_is_said_in_a_word() -> None:
    with pytest.raises(FetchError, match=r"^cannot be fetched \(tcp_refused\)$"):
        await fetched("http://127.0.0.1:1/")


async def test_metadata_services_are_not_asked() -> None:
    with pytest.raises(FetchError, match=r"^cannot be fetched \(forbidden_address\)$"):
        await fetched("http://169.254.169.254/latest/meta-data/")


async def test_a_token_is_read_anew_for_each_fetch(server: ListServer, tmp_path: Path) -> None:
    file = tmp_path / "token"
    for token in ("first", "second"):
        file.write_text(f"{token}\n")
        await fetched(server.url(), token=SecretSource(file=str(file)))
    assert [fields["Authorization"] for _, fields in server.asked] == ["Bearer first", "Bearer second"]


async def test_a_password_is_shown_by_basic_authentication(server: ListServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 7617 section 2: `Aladdin` with `open sesame`."""
    monkeypatch.setenv("PROBER_TEST_SECRET", "open sesame")
    await fetched(server.url(), username="Aladdin", password=SecretSource(environment="PROBER_TEST_SECRET"))
    assert server.asked[0][1]["Authorization"] == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="


@pytest.mark.parametrize("content", [None, "", f"{CANARY}\r\nX-More: 1"])
async def test_a_secret_that_cannot_be_shown_is_not(server: ListServer, tmp_path: Path, content: str | None) -> None:
    """Missing, empty, or more than one line: nobody is asked, and what it holds is in no message."""
    file = tmp_path / "token"
    if content is not None:
        file.write_text(content, newline="")
    with pytest.raises(FetchError) as caught:
        await fetched(server.url(), token=SecretSource(file=str(file)))
    assert server.asked == []
    assert CANARY not in str(caught.value)
