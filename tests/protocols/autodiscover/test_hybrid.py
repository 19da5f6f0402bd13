"""From one premises to the other, and no further."""

import pytest

from prober.faults.taxonomy import FaultError, Reason
from prober.protocols.autodiscover.hybrid import CLOUD_URL, LONGEST, Walk, begin, trusted

HOME = "https://mail.contoso.com/autodiscover/autodiscover.xml"
OWNER = "user@contoso.com"


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://mail.contoso.com/mapi/emsmdb/", True),
        ("https://MAIL.contoso.com:8443/x", True),
        ("https://autodiscover.contoso.com/x", True),
        ("https://contoso.com/x", True),
        ("https://outlook.office365.com/x", True),
        ("https://autodiscover-s.outlook.com/x", True),
        ("http://mail.contoso.com/x", False),
        ("https://contoso.com.evil.example/x", False),
        ("https://evilcontoso.com/x", False),
        ("https://evil-office365.com/x", False),
        ("https://www.outlook.com/x", False),
        ("https://mail.contoso.com@evil.example/x", False),
        ("https:///x", False),
        ("https://[x/", False),
        ("", False),
    ],
)
def test_a_credential_goes_home_to_its_domain_and_to_the_cloud(url: str, allowed: bool) -> None:
    """Over TLS; a name that only looks like one of these is somebody else's."""
    assert trusted(url, HOME, OWNER) is allowed


def test_a_mailbox_without_a_domain_trusts_no_domain() -> None:
    assert not trusted("https://evil.example/", HOME, "nobody")


def refusal(walk: Walk, url: str) -> tuple[str, Reason]:
    with pytest.raises(FaultError) as caught:
        walk.to_url(url)
    assert "contoso" not in str(caught.value.fault.evidence)
    return caught.value.fault.kind.code, caught.value.fault.reason


def test_a_redirect_is_followed_where_our_credentials_may_go() -> None:
    walk = begin(HOME, OWNER)
    assert not walk.hybrid
    moved = walk.to_url("https://outlook.office365.com/autodiscover/autodiscover.xml")
    assert moved.hybrid
    assert (moved.url, moved.address) == ("https://outlook.office365.com/autodiscover/autodiscover.xml", OWNER)
    assert refusal(walk, "https://evil.example/") == ("autodiscover_redirect_foreign", Reason.REDIRECT_LOOP)
    assert refusal(walk, "http://mail.contoso.com/") == ("autodiscover_redirect_insecure", Reason.REDIRECT_LOOP)


def test_an_address_of_the_cloud_is_asked_about_in_the_cloud() -> None:
    """Any other is asked about where we are; the credential's trust stays with its own domain."""
    walk = begin(HOME, OWNER)
    moved = walk.to_address("user@contoso.mail.onmicrosoft.com")
    assert (moved.url, moved.address) == (CLOUD_URL, "user@contoso.mail.onmicrosoft.com")
    other = walk.to_address("user@fabrikam.com")
    assert (other.url, other.hybrid) == (HOME, True)
    assert refusal(other, "https://mail.fabrikam.com/")[0] == "autodiscover_redirect_foreign"


def test_the_same_place_twice_is_a_loop() -> None:
    """Whatever its letters' case; another address at the same URL is another place."""
    walk = begin(HOME, OWNER).to_url("https://a.contoso.com/x")
    assert refusal(walk, HOME.upper().replace("HTTPS", "https")) == (
        "autodiscover_redirect_loop",
        Reason.REDIRECT_LOOP,
    )
    assert refusal(walk, "https://a.contoso.com/x/")[0] == "autodiscover_redirect_loop"
    back = walk.to_address("other@contoso.com").to_url(HOME)
    with pytest.raises(FaultError):
        back.to_address(OWNER)


def test_a_walk_ends_after_ten_steps() -> None:
    walk = begin(HOME, OWNER)
    for step in range(LONGEST):
        walk = walk.to_url(f"https://a{step}.contoso.com/")
    assert refusal(walk, "https://b.contoso.com/") == ("autodiscover_redirect_loop", Reason.REDIRECT_LOOP)


def test_no_address_shows() -> None:
    assert "user" not in repr(begin(HOME, OWNER).to_address("user@fabrikam.com"))
