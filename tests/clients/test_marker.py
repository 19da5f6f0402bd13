"""The marker message."""

from email import message_from_bytes, policy

from prober.clients.marker import message
from tests.clients.imap_made import transaction


def test_the_marker_is_a_message_that_anybody_can_read_and_nobody_answers() -> None:
    """As the standard library reads it: from the mailbox to itself, at the transaction's time, made by a program."""
    made = message(transaction([]))
    read = message_from_bytes(made, policy=policy.default)
    assert (read["From"], read["To"], read["Subject"]) == ("a@b", "a@b", "Notification marker")
    assert read["Date"].datetime.timestamp() == 1_767_434_400
    assert read["Auto-Submitted"] == "auto-generated"
    assert made.replace(b"\r\n", b"").count(b"\n") == 0
    assert read.get_content().strip() == "sent by a prober"
