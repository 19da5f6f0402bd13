import pytest

from prober.settings.durations import parse


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30.0),
        ("2m", 120.0),
        ("1h30m", 5400.0),
        ("500ms", 0.5),
        ("1d", 86_400.0),
        ("1.5s", 1.5),
        ("1m500ms", 60.5),
    ],
)
def test_a_duration_is_read_in_seconds(text: str, seconds: float) -> None:
    assert parse(text) == seconds


@pytest.mark.parametrize(
    "given", ["", "30", "s", "-1s", "0s", "0ms", "1 s", "1s ", "1x", "1e3s", 30, 1.5, None, "9" * 30 + "s"]
)
def test_anything_else_is_refused(given: object) -> None:
    with pytest.raises(ValueError, match="must be a"):
        parse(given)
