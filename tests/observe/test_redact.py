import ast
from pathlib import Path

import pytest

from prober.observe.redact import HIDDEN, LONGEST, SHOWN, evidence, text

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln"

ROOT = Path(__file__).parents[2]


def test_only_known_names_are_shown() -> None:
    assert evidence({"http_status": "503", "subject": "canary", "password": "canary"}) == {"http_status": "503"}


@pytest.mark.parametrize(
    "value", ["probe@corp.example", JWT, "Bearer abcdefghij", "basic dXNlcjpwYXNz", "A" * 100, "user=a@b auth=x"]
)
def test_what_looks_like_an_address_or_a_secret_is_starred(value: str) -> None:
    shown = evidence({"error": f"x {value} y"})["error"]
    assert isinstance(shown, str)
    assert HIDDEN in shown
    assert value not in shown


def test_a_long_line_takes_no_longer_than_its_length() -> None:
    """A thousand times longer would be minutes, if every place in it were looked at from every other."""
    assert text("a." * 200_000 + " x@y") == ("a." * 200_000)[:LONGEST]


@pytest.mark.parametrize(
    "value", ["aadsts_7000222", "FR3P281", "mail/5", "89fb6fbc-4e91-4544-9404-3ef914743206", "TLSv1.3"]
)
def test_what_is_useful_stays(value: str) -> None:
    assert evidence({"error": value}) == {"error": value}


def test_values_are_short_and_on_one_line() -> None:
    shown = evidence({"error": "a b\n" * 200})["error"]
    assert isinstance(shown, str)
    assert len(shown) == LONGEST
    assert "\n" not in shown


def test_numbers_and_truth_values_stay_what_they_are() -> None:
    assert evidence({"count": 3, "cached": True}) == {"count": 3, "cached": True}


def named() -> set[str]:
    """Return every name under which a step keeps a fact, or a reader evidence, as it stands in the code."""
    found: set[str] = set()
    rooms = ("clients", "identity", "net", "protocols")
    files = [path for room in rooms for path in (ROOT / "prober" / room).rglob("*.py")]
    for path in (*files, ROOT / "prober" / "sightings.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called == "note":
                found |= {word.arg for word in node.keywords if word.arg}
            if called == "FaultError":
                given = [one for one in node.args[1:2] if isinstance(one, ast.Dict)]
                keys = [key for one in given for key in one.keys if isinstance(key, ast.Constant)]
                found |= {str(key.value) for key in keys}
    return found


def test_what_is_kept_is_shown() -> None:
    """A fact under a name that nobody shows is kept for nothing."""
    assert named() - SHOWN == set()
    assert {"changes", "http_status", "tls_reason"} <= named()
