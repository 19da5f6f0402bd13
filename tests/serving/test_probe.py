"""`/probe`, as Prometheus asks for it and as strangers do."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from types import MappingProxyType

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette

from prober.exchange import Session
from prober.faults import taxonomy as kinds
from prober.faults.taxonomy import Kind, Reason
from prober.model import Assignment, Certificate, Outcome
from prober.observe.transcript import private
from prober.schedule.attempts import BUSY, NotStarted
from prober.serving.probe import HEADER, BadRequestError, Probes, seconds
from prober.verdict import Judgement, judge
from tests.net.servers import until
from tests.observe.made import ASSIGNMENT, WORKED, judged, outcome
from tests.observe.test_transcript import Session as Silent

PATH = "/probe?target=hq&module=toy"
BUSY_SERVER = Kind("toy_throttled", Reason.THROTTLED)


class Asked:
    """Attempts that end as told, and the pages before them."""

    def __init__(self, finished: tuple[Outcome, Judgement] | NotStarted) -> None:
        self.finished = finished
        self.asked: list[tuple[Assignment, float]] = []
        self.ready = True
        self.go = asyncio.Event()
        self.go.set()
        self.kept: list[tuple[Assignment, Outcome, Judgement]] = []
        self.probes = Probes(self.find, self, lambda: self.ready, self.keep)
        app = Starlette(routes=[self.probes.route])
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://prober")

    def find(self, target: str, client: str) -> Assignment | None:
        return ASSIGNMENT if (target, client) == ("hq", "toy") else None

    def keep(self, assignment: Assignment, outcome: Outcome, judgement: Judgement) -> str | None:
        self.kept.append((assignment, outcome, judgement))
        return None if outcome.fault is None else "f00d"

    async def on_demand(
        self, assignment: Assignment, limit: float, watching: Callable[[Session], Session] | None = None
    ) -> tuple[Outcome, Judgement] | NotStarted:
        self.asked.append((assignment, limit))
        if watching is not None:
            await watching(Silent()).dial("imaps://mail.example:993")
        await self.go.wait()
        return self.finished


async def test_a_success_in_the_names_that_everybody_knows() -> None:
    """Exactly these series: whatever is not here is no promise."""
    certificate = Certificate(0.0, 1_900_000_000.0, "", verified=True)
    made = outcome(certificate=certificate)
    answer = await Asked((made, judge(made, WORKED))).client.get(PATH)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    series = dict(line.rsplit(" ", 1) for line in answer.text.splitlines() if not line.startswith("#"))
    assert float(series.pop("probe_duration_seconds")) >= 0.0
    assert series == {
        "probe_success": "1.0",
        "probe_counted": "1.0",
        'probe_verdict_info{blame="",code="",reason="",step="",verdict="ok"}': "1.0",
        'probe_step_duration_seconds{step="look"}': "0.25",
        'probe_step_duration_seconds{step="take"}': "0.5",
        'probe_step_success{step="look"}': "1.0",
        'probe_step_success{step="take"}': "1.0",
        'probe_phase_duration_seconds{phase="dns"}': "0.125",
        'probe_phase_duration_seconds{phase="wait"}': "0.375",
        "probe_dns_lookup_time_seconds": "0.125",
        "probe_ssl_earliest_cert_expiry": "1.9e+09",
    }


@pytest.mark.parametrize(("kind", "counted"), [(kinds.NO_ANSWER, "1.0"), (BUSY_SERVER, "0.0")])
async def test_a_failure_is_an_answer_too(kind: Kind, counted: str) -> None:
    """200, with what it means and where it broke; what says nothing of the service says so."""
    answer = await Asked(judged(kind)).client.get(PATH)
    assert answer.status_code == 200
    assert "probe_success 0.0\n" in answer.text
    assert f"probe_counted {counted}\n" in answer.text
    assert f'code="{kind.code}",reason="{kind.reason}",step="take"' in answer.text


@pytest.mark.parametrize("debug", ["", "&debug=true"])
async def test_a_failure_says_where_its_evidence_is(debug: str) -> None:
    """In the head of the answer, as seen from this page, and in what is shown to debug; of a success there is none."""
    asked = Asked(judged(kinds.NO_ANSWER))
    answer = await asked.client.get(PATH + debug)
    assert answer.headers["link"] == '<api/v1/failures/f00d>; rel="describedby"'
    assert ("/api/v1/failures/f00d?format=text\n" in answer.text) == bool(debug)
    assert asked.kept == [(ASSIGNMENT, *asked.finished)]  # type: ignore[misc]
    for nothing in (judged(), BUSY):
        answer = await Asked(nothing).client.get(PATH + debug)
        assert "link" not in answer.headers
        assert "api/v1/failures" not in answer.text


@pytest.mark.parametrize("refused", [BUSY, NotStarted("held_back", "the server wants quiet from this mailbox")])
async def test_what_was_not_started_is_no_success_and_says_nothing_of_the_service(refused: NotStarted) -> None:
    answer = await Asked(refused).client.get(PATH)
    assert "probe_success 0.0\n" in answer.text
    assert "probe_counted 0.0\n" in answer.text
    assert f'reason="{refused.code}"' in answer.text
    shown = await Asked(refused).client.get(f"{PATH}&debug=true")
    assert refused.because in shown.text


async def test_openmetrics_for_who_asks_for_it() -> None:
    answer = await Asked(judged()).client.get(PATH, headers={"Accept": "application/openmetrics-text"})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")


async def test_debugging_shows_waterfall_transcript_and_metrics() -> None:
    """Of that very run, which is watched for it."""
    answer = await Asked(judged(kinds.NO_ANSWER)).client.get(f"{PATH}&debug=true")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    for part in (
        "toy on hq (mailbox): FAILED read_timeout",
        "connect to imaps://mail.example:993",
        "probe_success 0.0",
    ):
        assert part in answer.text
    assert "canary" not in answer.text
    plain = await Asked(judged()).client.get(f"{PATH}&debug=false")
    assert plain.text.startswith("# HELP probe_success")


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?target=hq",
        "?module=toy",
        "?target=&module=toy",
        "?target=hq&module=imap4",
        "?target=169.254.169.254&module=toy",
        "?target=http://169.254.169.254/latest/meta-data/&module=toy",
        "?target=hq:22&module=toy",
        "?target=hq&target=lab&module=toy",
        "?target=hq&module=toy&debug=yes",
        "?target=hq&module=toy&hostname=evil.example",
        "?target=hq%0d%0aX:y&module=toy",
        "?target=HQ&module=toy",
        "?target=hq%00&module=toy",
        "?target=..%2fhq&module=toy",
    ],
)
async def test_what_is_not_configured_is_a_bad_request_in_one_line(query: str) -> None:
    """Nothing is started, and nothing of what was asked for is repeated."""
    asked = Asked(judged())
    answer = await asked.client.get(f"/probe{query}")
    assert (answer.status_code, answer.text.count("\n")) == (400, 1)
    assert not any(word in answer.text for word in ("169.254", "evil", "HQ"))
    assert asked.asked == []


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=40), st.text(max_size=40))
def test_no_name_makes_more_of_it(target: str, module: str) -> None:
    """Whatever the names are, unknown ones are refused."""

    async def scenario() -> None:
        asked = Asked(judged())
        try:
            answer = await asked.client.get("/probe", params={"target": target, "module": module})
        except UnicodeEncodeError:
            return
        assert answer.status_code == (200 if (target, module) == ("hq", "toy") else 400)

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("given_header", "limit"),
    [([], 60.0), (["0"], 60.0), (["10"], 9.5), (["10.25"], 9.75), (["0.6"], 0.3), (["600"], 60.0)],
)
def test_the_scraper_gets_its_answer_in_time(given_header: list[str], limit: float) -> None:
    """Half a second early, as from blackbox_exporter, where there is half a second; never longer than configured."""
    assert seconds(given_header, 60.0) == pytest.approx(limit)


@pytest.mark.parametrize("header", ["", "ten", "nan", "inf", "-1", "1e9", "10,20"])
async def test_a_time_out_that_is_none_is_a_bad_request(header: str) -> None:
    with pytest.raises(BadRequestError):
        seconds([header], 60.0)
    assert (await Asked(judged()).client.get(PATH, headers={HEADER: header})).status_code == 400


async def test_the_time_out_reaches_the_attempt() -> None:
    asked = Asked(judged())
    await asked.client.get(PATH, headers={HEADER: "5"})
    assert asked.asked == [(ASSIGNMENT, 4.5)]


async def test_a_prober_that_is_not_ready_or_ends_says_so() -> None:
    """503; what is under way is ended, since nobody could wait for it."""
    asked = Asked(judged())
    asked.ready = False
    assert (await asked.client.get(PATH)).status_code == 503
    asked.ready = True
    asked.go.clear()
    waiting = asyncio.create_task(asked.client.get(PATH))
    await until(lambda: bool(asked.asked))
    await asked.probes.drain()
    assert (await waiting).status_code == 503


async def test_names_of_the_mailbox_are_in_no_transcript() -> None:
    """Nor is what the canary is called."""
    with_canary = replace(ASSIGNMENT.target, canary="marker-canary", labels=MappingProxyType({}))
    assert private(replace(ASSIGNMENT, target=with_canary)) == ["canary@corp.example", "canary", "marker-canary"]


async def test_what_is_under_way_of_one_that_is_gone_ends_and_of_another_does_not() -> None:
    """Whoever waits is told that it is not the prober that it was."""
    asked = Asked(judged())
    asked.go.clear()
    waiting = asyncio.create_task(asked.client.get(PATH))
    await until(lambda: bool(asked.asked))
    asked.probes.drop({"imap4/unknown"})
    await asyncio.sleep(0)
    assert not waiting.done()
    asked.probes.drop({ASSIGNMENT.key})
    assert (await waiting).status_code == 503
