"""The marker message: what a client leaves in its own mailbox to see how soon a push channel tells of it."""

from email.utils import formatdate

from prober.transaction import Transaction


def message(tx: Transaction, subject: str = "Notification marker") -> bytes:
    """Return a small message from the mailbox to itself, with CRLF line ends (RFC 5322 section 2.1).

    It says that it was made by a program, so that no other program answers it (RFC 3834 section 5).
    """
    lines = (
        f"From: <{tx.mailbox}>",
        f"To: <{tx.mailbox}>",
        f"Subject: {subject}",
        f"Date: {formatdate(tx.wall())}",
        "Auto-Submitted: auto-generated",
        "",
        "sent by a prober",
        "",
    )
    return "\r\n".join(lines).encode()
