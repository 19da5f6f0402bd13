"""How paths are taken apart."""

import pytest

from prober.simulator.graph.paths import split


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("users/a@b.example/mailFolders/inbox", ["users", "a@b.example", "mailFolders", "inbox"]),
        (
            "/users('a@b.example')/mailFolders('inbox')/messages/",
            ["users", "a@b.example", "mailFolders", "inbox", "messages"],
        ),
        ("me/mailFolders/inbox/messages/delta()", ["me", "mailFolders", "inbox", "messages", "delta"]),
        ("me/messages/microsoft.graph.delta()", ["me", "messages", "microsoft.graph.delta"]),
        ("", []),
        ("//", []),
        ("users('')", ["users"]),
        ("a)(b", ["a)(b"]),
    ],
)
def test_a_path_becomes_its_segments(path: str, expected: list[str]) -> None:
    """A key in parentheses counts as a segment of its own (OData 4.01 URL Conventions, 4.3)."""
    assert split(path) == expected
