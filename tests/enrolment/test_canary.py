"""Who may put the canary there, and what it looks like; that it is seen is shown in `tests/cli/test_enroll.py`."""

import re

from prober.enrolment.canary import new_marker, writer
from prober.model import Assignment, Target
from prober.settings.document import CANARY
from prober.vocabulary import Depth, Environment

TARGET = Target("t", Environment.EXCHANGE_ONLINE, "probe@contoso.example")


def assigned(client: str, credential: str | None = "app") -> Assignment:
    return Assignment(client, TARGET, Depth.MAILBOX, 60, 60, credential)


def test_markers_are_words_that_the_configuration_takes() -> None:
    """And no two are alike."""
    markers = {new_marker() for _ in range(50)}
    assert len(markers) == 50
    assert all(re.fullmatch(CANARY, marker) for marker in markers)


def test_the_plainest_way_to_write_is_taken() -> None:
    """Only by clients that can write and have a credential."""
    some = [assigned("outlook_mac"), assigned("outlook_mac_legacy"), assigned("imap4", None), assigned("owa")]
    chosen = writer(some)
    assert chosen is not None
    assert chosen.client == "outlook_mac_legacy"
    assert writer([*some, assigned("imap4")]) == assigned("imap4")
    assert writer([assigned("owa"), assigned("m365_signin")]) is None
