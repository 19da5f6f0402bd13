"""The request line, the headers, and how answers are opened: what holds for every command."""

import base64
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.exchange import Auth, Exchange, Headers, Reply
from prober.faults.taxonomy import FaultError, Reason
from prober.protocols.eas.command import MovedError, Phone, base64_query, plain_query, request, require
from prober.protocols.eas.folder_sync import FolderSync
from prober.protocols.eas.get_item_estimate import GetItemEstimate
from prober.protocols.eas.item_operations import Fetch
from prober.protocols.eas.options import AnonymousOptions, Options
from prober.protocols.eas.ping import Ping
from prober.protocols.eas.provision import Provision
from prober.protocols.eas.search import Search
from prober.protocols.eas.send_mail import SendMail
from prober.protocols.eas.settings import UserInformation
from prober.protocols.eas.sync import Sync, SyncPrime
from prober.protocols.wbxml.codec import element
from tests.protocols.eas.made import PHONE, answer, refused
from tests.protocols.wbxml.vectors import VECTORS, vector

READERS: dict[str, Exchange[object]] = {
    "provision_1": Provision(PHONE),
    "provision_2": Provision(PHONE, temporary_key="5"),
    "folder_sync": FolderSync(PHONE),
    "settings": UserInformation(PHONE),
    "sync_prime": SyncPrime(PHONE, "5"),
    "sync_fetch": Sync(PHONE, "5", "1"),
    "get_item_estimate": GetItemEstimate(PHONE, "5", "1"),
    "item_operations": Fetch(PHONE, "5", "5:1"),
    "search": Search(PHONE, "probe", "5"),
    "ping": Ping(PHONE, "5", 60),
    "send_mail": SendMail(PHONE, "p1", b"MIME"),
}
WITHOUT_DOCUMENT: dict[str, Exchange[object]] = {
    "options": Options("https://x.example/eas"),
    "options_anonymous": AnonymousOptions("https://x.example/eas"),
}
EMPTY_IS_FINE = {"sync_fetch", "send_mail"}
COMMANDS = pytest.mark.parametrize("command", READERS)


def test_the_query_in_words_quotes_what_it_holds() -> None:
    """An address and a domain with a backslash."""
    phone = replace(PHONE, user="CORP\\a b&c@d")
    assert plain_query(phone, "Sync") == ("Cmd=Sync&User=CORP%5Ca%20b%26c%40d&DeviceId=DEV1&DeviceType=HealthProbe")


@pytest.mark.parametrize(
    ("phone", "command", "expected"),
    [
        (Phone("", "", "v140Device", "SmartPhone", "14.0"), "Sync", "jAAJBAp2MTQwRGV2aWNlAApTbWFydFBob25l"),
        (
            Phone("", "", "probe0001", "HealthProbe", "16.1", "1307199584"),
            "Ping",
            "oRIJBAlwcm9iZTAwMDEEYEjqTQtIZWFsdGhQcm9iZQ==",
        ),
    ],
)
def test_the_query_in_base64_is_that_of_the_specification(phone: Phone, command: str, expected: str) -> None:
    """Byte for byte."""
    assert base64_query(phone, command) == expected


def test_headers_carry_what_the_query_does_not() -> None:
    """In base64 the version and the policy key are in the query."""
    plain = request(PHONE, "Sync", b"")
    assert plain.url.startswith(f"{PHONE.url}?Cmd=Sync&")
    assert dict(plain.headers) == {
        "Content-Type": "application/vnd.ms-sync.wbxml",
        "MS-ASProtocolVersion": "14.1",
        "X-MS-PolicyKey": "7",
    }
    packed = request(replace(PHONE, base64_query=True), "Sync", b"")
    assert dict(packed.headers) == {"Content-Type": "application/vnd.ms-sync.wbxml"}
    assert base64.b64decode(packed.url.partition("?")[2])[:2] == bytes((141, 0))
    assert plain.auth is packed.auth is Auth.CREDENTIAL


def test_a_phone_does_not_show_whose_it_is() -> None:
    """Neither user nor device."""
    assert "a@b" not in repr(PHONE)
    assert "DEV1" not in repr(PHONE)


EXPECTED = {
    "provision_1": "Provision",
    "provision_2": "Provision",
    "settings": "Settings",
    "folder_sync": "FolderSync",
    "sync_prime": "Sync",
    "sync_fetch": "Sync",
    "get_item_estimate": "GetItemEstimate",
    "item_operations": "ItemOperations",
    "search": "Search",
    "ping": "Ping",
    "send_mail": "SendMail",
}


@COMMANDS
def test_each_command_is_a_post_under_its_name(command: str) -> None:
    """With a document as body."""
    call = READERS[command].call()
    assert call.method == "POST"
    assert f"Cmd={EXPECTED[command]}&" in call.url
    assert call.body.startswith(b"\x03\x01\x6a\x00")


@COMMANDS
@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [
        (400, "http_400", Reason.CLIENT_MISCONFIG),
        (401, "http_401", Reason.AUTH_REJECTED),
        (403, "http_403", Reason.ACCESS_POLICY),
        (449, "eas_http_449", Reason.ACCESS_POLICY),
        (451, "eas_moved", Reason.REDIRECT_LOOP),
        (500, "http_500", Reason.SERVER_ERROR),
        (501, "http_501", Reason.CLIENT_MISCONFIG),
        (502, "http_502", Reason.SERVER_ERROR),
        (503, "http_503", Reason.SERVER_BUSY),
        (507, "http_507", Reason.CLIENT_MISCONFIG),
    ],
)
def test_no_command_takes_another_status_for_an_answer(command: str, status: int, code: str, reason: Reason) -> None:
    """Even with a good document as body."""
    document = bytes.fromhex(VECTORS["folder_sync"])
    fault = refused(READERS[command].read, Reply(status, body=document))
    assert (fault.kind.code, fault.reason) == (code, reason)


@COMMANDS
def test_a_busy_server_that_names_a_delay_throttles(command: str) -> None:
    """MS-ASHTTP section 3.1.5.2.3."""
    fault = refused(READERS[command].read, answer(status=503, headers={"Retry-After": "300"}))
    assert (fault.reason, fault.retry_after) == (Reason.THROTTLED, 300.0)


@COMMANDS
def test_an_empty_answer_is_a_fault_unless_it_means_something(command: str) -> None:
    """Nothing new for a Sync, taken for a message."""
    if command in EMPTY_IS_FINE:
        READERS[command].read(answer())
    else:
        assert refused(READERS[command].read, answer()).kind.code == "empty_reply"


@COMMANDS
@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"<html><title>Sign in</title>", "html_instead_of_data"),
        (b"\x03\x01\x6a\x00\x45", "wbxml_undecodable"),
        (b"Bad Gateway", "wbxml_undecodable"),
        (bytes.fromhex("03 01 6A 00 00 0B 05"), "eas_wrong_answer"),
    ],
)
def test_whatever_else_comes_is_a_violation(command: str, body: bytes, code: str) -> None:
    """A page, half a document, text, the answer to another command."""
    fault = refused(READERS[command].read, Reply(200, body=body))
    assert (fault.kind.code, fault.reason) == (code, Reason.PROTOCOL_VIOLATION)


@COMMANDS
def test_a_bare_root_is_no_answer(command: str) -> None:
    """Status and everything else are missing."""
    body = READERS[command].call().body
    root = body[4:7] if body[4] == 0 else body[4:5]
    bare = root[:-1] + bytes((root[-1] & 0x3F,))
    assert refused(READERS[command].read, Reply(200, body=body[:4] + bare)).reason is Reason.PROTOCOL_VIOLATION


DOCUMENTS = st.sampled_from(sorted(VECTORS))


@given(st.sampled_from(sorted(READERS)), DOCUMENTS, st.integers(0, 400), st.integers(0, 255), st.integers(0, 400))
def test_readers_raise_nothing_but_faults(command: str, document: str, place: int, value: int, end: int) -> None:
    """Whatever document comes, damaged or cut off."""
    body = bytearray(vector(document))
    body[place % len(body)] = value
    try:
        READERS[command].read(Reply(200, body=bytes(body[:end])))
    except FaultError as error:
        raised = error
        assert raised.fault.kind.code


@given(
    st.sampled_from(sorted(WITHOUT_DOCUMENT)),
    st.sampled_from([200, 204, 301, 302, 401, 403, 404, 449, 451, 500, 503]),
    st.lists(
        st.tuples(
            st.sampled_from(["WWW-Authenticate", "Retry-After", "X-MS-Location", "Location", "MS-ASProtocolVersions"]),
            st.text(max_size=30),
        ),
        max_size=4,
    ),
)
def test_readers_of_headers_raise_nothing_but_faults(question: str, status: int, fields: list[tuple[str, str]]) -> None:
    """Whatever the headers hold."""
    try:
        WITHOUT_DOCUMENT[question].read(Reply(status, Headers(fields)))
    except FaultError as error:
        raised = error
        assert raised.fault.kind.code


@pytest.mark.parametrize(
    ("location", "url"),
    [
        (
            "https://eas2.example.test/Microsoft-Server-ActiveSync",
            "https://eas2.example.test/Microsoft-Server-ActiveSync",
        ),
        ("https://eas2.example.test/eas?Cmd=x", "https://eas2.example.test/eas"),
        ("http://eas2.example.test/eas", ""),
        ("", ""),
        ("nowhere", ""),
    ],
)
def test_a_451_names_a_place_only_over_tls(location: str, url: str) -> None:
    """Its query is not taken along."""
    with pytest.raises(MovedError) as caught:
        READERS["folder_sync"].read(answer(status=451, headers={"X-MS-Location": location}))
    assert caught.value.url == url


def test_a_missing_text_is_named() -> None:
    """By the last element of its path."""
    with pytest.raises(FaultError) as caught:
        require(element("AirSync:Sync"), "AirSync:Collections", "AirSync:Collection")
    assert caught.value.fault.evidence["element"] == "AirSync:Collection"
