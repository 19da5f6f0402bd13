"""The bench of several processes: what failed is no figure, and a ratio is taken within its round."""

import shutil

import pytest

from benchmarks import workers

ALL = workers.SECONDS * workers.TARGETS


def test_an_attempt_costs_its_share_of_what_all_processes_used() -> None:
    assert workers.per_attempt(2, 2.0, ALL, 0) == pytest.approx(2000.0 / ALL)


@pytest.mark.parametrize(
    ("attempts", "failed", "words"), [(ALL, 1, "1 attempts failed with 2"), (10, 0, "only 10 attempts with 2")]
)
def test_what_failed_or_hardly_ran_ends_the_bench(attempts: float, failed: float, words: str) -> None:
    with pytest.raises(SystemExit, match=words):
        workers.per_attempt(2, 2.0, attempts, failed)


def test_the_ratio_is_taken_within_its_round() -> None:
    """Medians of either kind come from different rounds; the ratio does not."""
    alone, spread, ratio = workers.figures([{1: 1.0, 2: 1.1}, {1: 4.0, 2: 4.8}, {1: 2.0, 2: 2.1}])
    assert (alone.value, spread.value) == (2.0, 2.1)
    assert ratio.value == pytest.approx(1.1)
    assert (alone.goal, spread.goal, ratio.goal) == (None, None, workers.GOAL)


def test_what_counted_is_read_from_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of all clients and targets together; probing is what every worker has to do."""
    pages = {"clientaccess_counted_total": [30.0, 31.0], "clientaccess_worker_up": [1.0, 0.0]}
    monkeypatch.setattr(workers, "_values", lambda _, name: pages[name])
    assert workers._attempts("") == 61.0
    assert not workers._all_up("", 2)
    assert workers._all_up("", 1)
    pages["clientaccess_worker_up"] = [1.0, 1.0]
    assert workers._all_up("", 2)


def test_a_missing_server_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert workers.main() is False
    assert capsys.readouterr().err == "workers: nginx not installed (make servers)\n"
