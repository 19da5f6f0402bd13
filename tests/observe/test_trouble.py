"""What the detector thinks, on the page and in the data."""

from prober.detect.detector import Detector, Sample, What
from prober.observe.trouble import TroublePanel
from tests.detect.made import START, source


def detector(failing: int) -> Detector:
    """Return a detector of two clients that has seen one of them fail so often."""
    found = Detector({"imap4/one": source(), "owa/one": source("owa")})
    for index in range(60):
        at = START + 30.0 * index
        failed = index >= 60 - failing
        found.observe(Sample("imap4/one", at, What.FAILED if failed else What.OK, "login" if failed else ""))
        found.observe(Sample("owa/one", at + 9.0, What.OK))
    return found


def test_while_all_is_well_there_is_little_to_show() -> None:
    """No group, no explanation, no line."""
    panel = TroublePanel(lambda: detector(0))
    assert panel.data() == {"groups": [], "explanations": []}
    assert panel.page() == ""


def test_a_suspicion_is_data_and_no_line() -> None:
    """One failure is nothing to tell people of."""
    panel = TroublePanel(lambda: detector(1))
    (mine, *_) = panel.data()["groups"]
    assert (mine["group_kind"], mine["group"], mine["state"]) == ("client", "exchange_online/imap4", "suspect")
    assert panel.page() == ""


def test_a_trouble_is_told_with_its_scope_and_the_next_best_guess() -> None:
    """In words for people, and in parts for programs."""
    panel = TroublePanel(lambda: detector(20))
    page, data = panel.page(), panel.data()
    assert "<b>imap4 fails at step login</b>" in page
    assert "failing</span> imap4 in exchange_online: 20 of 20 attempts failed since " in page
    (mine, *_) = data["groups"]
    assert (mine["state"], mine["since"]) == ("failing", "2027-01-15T08:20:00+00:00")
    assert mine["because"] in page
    assert mine["evidence_ratio"] > 1.0
    (found,) = data["explanations"]
    assert (found["environment"], found["clients"], found["vantages"]) == ("exchange_online", ["imap4"], ["fra1"])
    assert (found["step"], found["failures"], found["transactions"]) == ("login", 20, 20)
    assert found["probability"] > 0.99
    assert found["runner_up"]["clients"] == ["imap4", "owa"]


def test_what_stands_on_the_page_is_text() -> None:
    """A step is a word of ours, and is treated as if it were not."""
    found = detector(0)
    for index in range(20):
        found.observe(Sample("imap4/one", START + 1800.0 + 30.0 * index, What.FAILED, "<b>"))
    assert "&lt;b&gt;" in TroublePanel(lambda: found).page()
