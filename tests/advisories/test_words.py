"""Words that name clients and regions."""

import pytest

from prober.advisories.words import CLIENTS, region_words, says
from prober.clients import catalogue


def test_every_client_but_the_control_has_words() -> None:
    """The clients of the catalogue, by their names."""
    assert set(CLIENTS) >= set(catalogue()) - {"control"}


@pytest.mark.parametrize(
    ("text", "client", "named"),
    [
        ("can't use outlook MOBILE", "outlook_mobile", True),
        ("affects the REST protocol", "outlook_mobile", True),
        ("the rest of the users", "outlook_mobile", False),
        ("access by IMAP4.", "imap4", True),
        ("(POP)", "imap4", True),
        ("a pop-up", "imap4", False),
        ("simaps", "imap4", False),
        ("by Exchange ActiveSync (EAS)", "activesync", True),
        ("EASE of use", "activesync", False),
        ("Outlook on the Web", "owa", True),
        ("classic outlook", "outlook_desktop", True),
        ("cannot sign in", "m365_signin", True),
        ("new Outlook for Mac", "outlook_mac", True),
        ("new Outlook for Mac", "outlook_mac_legacy", True),
    ],
)
def test_words_are_looked_for_whole(text: str, client: str, named: bool) -> None:
    """Abbreviations in the capitals in which they are written, so that no everyday word is taken for one."""
    assert says(text, CLIENTS[client]) is named


@pytest.mark.parametrize(
    ("label", "text", "known"),
    [
        ("eu", "users in Europe", True),
        ("eu-west-1", "EMEA", True),
        ("uk", "users in the United Kingdom", True),
        ("na", "North America", True),
        ("us", "join us", False),
        ("us", "tenants in the US only", True),
        ("apac", "Asia-Pacific", True),
        ("apac", "Europe", False),
        ("frankfurt", "sites near Frankfurt", True),
        ("x1", "x1", False),
        ("", "Europe", False),
    ],
)
def test_regions_are_known_by_their_labels(label: str, text: str, known: bool) -> None:
    """By the parts of a label, and where one is a word, by itself."""
    assert says(text, region_words(label)) is known
