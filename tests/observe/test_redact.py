import pytest

from prober.observe.redact import HIDDEN, LONGEST, evidence

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln"


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
