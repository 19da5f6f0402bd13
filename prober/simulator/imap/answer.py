"""What one command is answered with, and how that is written."""

from collections.abc import Callable
from dataclasses import dataclass, field

from prober.simulator.imap import texts


@dataclass(frozen=True, slots=True)
class Answer:
    """Untagged lines, then the tagged one (none with an empty `status`), then a farewell after which we leave.

    Lines are without their ends. `after` is done once the answer has left.
    """

    status: str
    text: str
    untagged: list[bytes] = field(default_factory=list)
    bye: str = ""
    after: Callable[[], None] | None = None

    def written(self, tag: str) -> bytes:
        """Return the bytes."""
        lines = [*self.untagged]
        if self.status:
            lines.append(f"{tag} {self.status} {self.text}".encode())
        if self.bye:
            lines.append(f"* BYE {self.bye}".encode())
        return b"".join(line + b"\r\n" for line in lines)


def ok(text: str, *untagged: bytes) -> Answer:
    """Say that it worked."""
    return Answer("OK", text, list(untagged))


def no(text: str) -> Answer:
    """Say that it did not."""
    return Answer("NO", text)


def bad(text: str) -> Answer:
    """Say that it was no command."""
    return Answer("BAD", text)


def severed(status: str, text: str) -> Answer:
    """Say why, and leave."""
    return Answer(status, text, bye=texts.AFTER_ERROR)
