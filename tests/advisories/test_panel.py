"""What people and programs are shown of the notices."""

import json

from prober.advisories.panel import AdvisoryPanel
from prober.advisories.reading import FeedError, Result
from tests.advisories.feeds import ex1256020, ex1268771
from tests.advisories.scripted import Stage


async def test_the_page_has_one_line() -> None:
    """Before the first reading, after it, and after one that failed."""
    stage = Stage("2026-03-19T19:00Z")
    panel = AdvisoryPanel(stage.reader)
    assert panel.page() == "<p>Microsoft service health: not read yet</p>\n"
    await stage.read(ex1256020())
    assert "notices open: 1; read 2026-03-19T19:00:00+00:00</p>" in panel.page()
    stage.trouble("outlook_mac", "2026-03-19T18:40Z", "2026-03-19T18:50Z")
    await stage.fail(FeedError(Result.THROTTLED, "x"))
    assert "possibly about what is seen here: EX1256020; read" in panel.page()
    assert "the last reading failed: throttled" in panel.page()


async def test_the_data_hold_ids_titles_scores_and_leads() -> None:
    """All that labels must not."""
    stage = Stage("2026-04-02T13:00Z")
    stage.trouble("outlook_mac", "2026-04-02T11:40Z", "2026-04-02T11:50Z", region="eu")
    await stage.read(ex1268771())
    await stage.read(ex1268771() | {"classification": "advisory"}, {"id": None})
    data = json.loads(json.dumps(AdvisoryPanel(stage.reader).data()))
    assert (data["result"], data["read_at"], data["bad_records"]) == ("ok", "2026-04-02T13:00:00+00:00", 1)
    (notice,) = data["notices"]
    assert (notice["id"], notice["classification"], notice["downgraded"]) == ("EX1268771", "advisory", True)
    assert notice["title"].startswith("Some users don't get new mail")
    assert notice["published"] == "2026-04-02T12:40:00+00:00"
    assert notice["start"] == "2026-04-02T12:00:00+00:00"
    assert notice["end"] is None
    assert notice["clients"] == ["outlook_mac"]
    assert notice["possible_matches"] == [
        {
            "client": "outlook_mac",
            "score": 4,
            "signs": ["service", "client", "time"],
            "onset": "2026-04-02T11:40:00+00:00",
            "lead_seconds": 3600.0,
        }
    ]
    (onset,) = data["onsets"]
    assert (onset["client"], onset["failures"], onset["regions"], onset["over"]) == ("outlook_mac", 2, ["eu"], False)


def test_before_the_first_reading_the_data_say_so() -> None:
    data = AdvisoryPanel(Stage("2026-04-02T13:00Z").reader).data()
    assert data == {"result": None, "read_at": None, "bad_records": 0, "notices": [], "onsets": []}


def test_there_is_nothing_to_do_on_it() -> None:
    """So the page needs no form."""
    assert AdvisoryPanel(Stage("2026-04-02T13:00Z").reader).routes == ()
