"""Redirects: followed, ended, refused."""

import random

import pytest

from prober.exchange import Auth, Headers, Reply
from prober.faults.taxonomy import FaultError, Reason
from prober.protocols.http.walk import MOST_HOPS, Hop, Walk, target
from tests.protocols.eas.made import refused

START = "https://outlook.example.test/owa/"


def sent(location: str | None, status: int = 302) -> Reply:
    return Reply(status, Headers(() if location is None else (("Location", location),)))


def test_a_hop_is_asked_for_by_nobody_in_particular() -> None:
    """And its answer is not touched."""
    reply = sent("/x")
    assert (Hop(START).call().method, Hop(START).call().url, Hop(START).call().auth) == ("GET", START, Auth.NONE)
    assert Hop(START).read(reply) is reply


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_followed(status: int) -> None:
    """RFC 9110 section 15.4: each of these names another place."""
    onward = Walk(START).onward(sent("https://login.example.test/authorize?state=1", status))
    assert onward == Walk("https://login.example.test/authorize?state=1", (START,))
    assert onward is not None
    assert onward.hops == 1


@pytest.mark.parametrize("status", [200, 204, 300, 304, 401, 403, 404, 440, 500, 503])
def test_anything_else_ends_the_walk(status: int) -> None:
    """Whatever it means."""
    assert Walk(START).onward(sent("https://elsewhere.test/", status)) is None


@pytest.mark.parametrize(
    ("base", "reference", "expected"),
    [
        # RFC 3986 section 5.4.1, with its base URI `http://a/b/c/d;p?q`
        ("http://a/b/c/d;p?q", "g", "http://a/b/c/g"),
        ("http://a/b/c/d;p?q", "./g", "http://a/b/c/g"),
        ("http://a/b/c/d;p?q", "/g", "http://a/g"),
        ("http://a/b/c/d;p?q", "//g", "http://g"),
        ("http://a/b/c/d;p?q", "?y", "http://a/b/c/d;p?y"),
        ("http://a/b/c/d;p?q", "../g", "http://a/b/g"),
        ("http://a/b/c/d;p?q", "g#s", "http://a/b/c/g"),
        ("http://a/b/c/d;p?q", "https://b/x", "https://b/x"),
    ],
)
def test_relative_addresses_are_resolved_as_printed(base: str, reference: str, expected: str) -> None:
    """RFC 3986 section 5.4.1; a fragment is no part of what is asked for."""
    assert target(base, sent(reference)) == expected


def test_spaces_around_an_address_are_no_part_of_it() -> None:
    """However they came there."""
    assert target(START, sent("  https://a.test/x ")) == "https://a.test/x"


def test_the_same_address_twice_is_a_loop() -> None:
    """The one it stands at, or one before it; a fragment makes no difference."""
    walk = Walk("https://a.test/2", ("https://a.test/1",))
    for location in ("https://a.test/1", "/2", "/2#again"):
        fault = refused(walk.onward, sent(location))
        assert (fault.kind.code, fault.reason) == ("redirect_repeats", Reason.REDIRECT_LOOP)
    assert walk.onward(sent("/1?now=other")) is not None


def test_ten_hops_are_followed_and_no_more() -> None:
    """The eleventh is refused."""
    walk = Walk("https://a.test/0")
    for number in range(1, MOST_HOPS + 1):
        following = walk.onward(sent(f"/{number}"))
        assert following is not None
        walk = following
    fault = refused(walk.onward, sent("/11"))
    assert (walk.hops, fault.kind.code, fault.evidence["hops"]) == (10, "redirect_too_many", "11")


def test_nobody_is_led_out_of_tls() -> None:
    """The other way round is what a server should do."""
    assert refused(Walk(START).onward, sent("http://outlook.example.test/owa/")).kind.code == "redirect_downgrade"
    assert Walk("http://a.test/").onward(sent("https://a.test/")) is not None


@pytest.mark.parametrize(
    ("location", "answered"),
    [
        ("/owa/auth/errorFE.aspx?httpCode=500&msg=0x1", "500"),
        ("/owa/auth/errorfe.aspx?httpcode=404", "404"),
        ("/owa/auth/errorFE.aspx?httpCode=secret", ""),
        ("https://outlook.example.test/ews/genericerrorpage.htm", ""),
    ],
)
def test_an_error_page_is_the_servers_error(location: str, answered: str) -> None:
    """With the status it was told to show."""
    fault = refused(Walk(START).onward, sent(location))
    assert (fault.kind.code, fault.reason) == ("http_error_page", Reason.SERVER_ERROR)
    assert fault.evidence.get("answered", "") == answered


def test_an_address_that_only_mentions_an_error_page_is_followed() -> None:
    """In its query."""
    assert Walk(START).onward(sent("/owa/auth/logon.aspx?url=/owa/auth/errorfe.aspx")) is not None


def test_a_publishing_gateway_is_a_matter_of_set_up() -> None:
    """As everywhere."""
    assert refused(Walk(START).onward, sent("/InternalSite/Login.asp")).reason is Reason.CLIENT_MISCONFIG


@pytest.mark.parametrize(
    "location",
    [
        *(None, "", " ", "javascript:alert(1)", "ftp://a.test/", "https://", "https://[b", "https://a.test:99999/"),
        *("https://user:pw@a.test/", "https://a.test/\x00", "https://a.test/" + "x" * 20_000, "/a b"),
    ],
)
def test_a_redirect_to_nowhere_is_a_violation(location: str | None) -> None:
    """And what it said does not show."""
    fault = refused(Walk(START).onward, sent(location))
    assert (fault.kind.code, fault.reason) == ("redirect_unusable", Reason.PROTOCOL_VIOLATION)
    assert dict(fault.evidence) == {"http_status": "302"}


def test_any_location_is_followed_or_refused() -> None:
    """Cut anywhere, or at random: never a traceback."""
    rng = random.Random(11)
    printed = "https://login.example.test:443/common/oauth2/authorize?client_id=1&state=%20#x"
    texts = [printed[:end] for end in range(len(printed))]
    texts += ["".join(rng.choice("htps:/@[]?#%.a1\x00\xff ") for _ in range(30)) for _ in range(2000)]
    outcomes: dict[str, int] = {}
    for text in texts:
        try:
            code = "followed" if Walk(START).onward(sent(text)) else "ended"
        except FaultError as error:
            code = error.fault.kind.code
        outcomes[code] = outcomes.get(code, 0) + 1
    assert outcomes.keys() <= {"followed", "redirect_unusable", "redirect_repeats", "redirect_downgrade"}
    assert min(outcomes["followed"], outcomes["redirect_unusable"]) > 10
