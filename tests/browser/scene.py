"""The pages of a prober that does what a test says, served to a browser on this machine."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from prober.blame.blame import Blame
from prober.detect.detector import Detector, Sample, What
from prober.faults import taxonomy as kinds
from prober.model import Assignment, PushSettings, Target
from prober.observe.blame import BlamePanel
from prober.observe.headline import HeadlinePanel
from prober.observe.metrics import Metrics
from prober.observe.status import StatusBoard
from prober.observe.trouble import TroublePanel
from prober.observe.upkeep import ExpiryPanel, PushPanel
from prober.observe.web import About, application
from prober.serving.guard import Guard
from prober.serving.server import WebServer
from prober.transaction import Client, Step
from prober.verdict import judge
from prober.vocabulary import Depth, Environment
from tests.detect.made import START, source
from tests.observe.made import WORKED, look, nothing, outcome

CATALOGUE = {
    name: Client(name, summary, nothing, (Step(look, Depth.MAILBOX),), (name,), title=title)
    for name, summary, title in (("imap4", "A mail program", "IMAP4"), ("owa", "The web", "Outlook on the web"))
}
TARGETS = tuple(
    Target(name, Environment.EXCHANGE_ONLINE, region=region) for name, region in (("ams-1", "eu"), ("iad-1", "na"))
)
ASSIGNMENTS = tuple(
    Assignment(client, target, Depth.MAILBOX, 30, 30, "app", push=PushSettings())
    for client in CATALOGUE
    for target in TARGETS
)
CELLS = 96
EVERY = 30.0
FAILURE: dict[str, Any] = {
    "id": "f1",
    "origin": "schedule",
    "client": "imap4",
    "target": "ams-1",
    "started_at": "2027-01-15T08:25:00.500Z",
    "verdict": "failed",
    "reason": "mailbox_unavailable",
    "code": "imap_no",
    "blame": "mailbox",
    "step": "namespace",
    "duration_seconds": 1.3,
    "counted": True,
}


def step(name: str, seconds: float, phases: dict[str, float], **more: Any) -> dict[str, Any]:
    return {
        "step": name,
        "verdict": "ok",
        "reason": None,
        "duration_seconds": seconds,
        "phases": phases,
        "evidence": {},
    } | more


BUNDLE: dict[str, Any] = FAILURE | {
    "because": "the mailbox <i>could not</i> be reached",
    "steps": [
        step("connect", 0.1, {"dns": 0.01, "connect": 0.02, "tls": 0.05}),
        step("authenticate", 0.3, {"send": 0.01, "wait": 0.28}),
        step(
            "namespace",
            0.9,
            {"wait": 0.88},
            verdict="failed",
            reason="mailbox_unavailable",
            evidence={"text": "BAD <b>User</b> is authenticated but not connected."},
        ),
    ],
    "skipped": ["select", "fetch"],
    "evidence": {"request_ids": {"request-id": ["0a0b-1234"]}, "transcript": ["> a1 NAMESPACE", "< a1 BAD"]},
}


class Levers:
    """A panel with one thing to do, as the rehearsal's."""

    name = "rehearsal"
    place = "below"

    def __init__(self) -> None:
        self.on = False
        self.routes = (Route("/lever", self._pull, methods=["POST"]),)

    async def _pull(self, request: Request) -> Response:
        self.on = not self.on
        return RedirectResponse("/", status_code=303)

    def page(self) -> str:
        return f"<form method=post action=lever><button id=act>{'End' if self.on else 'Start'} it</button></form>"

    def data(self) -> bool:
        return self.on


class Scene:
    """A prober of two clients on two targets. `hidden`: whether failures may not be seen."""

    def __init__(self) -> None:
        self.now = START
        self.hidden = False
        self.detector = Detector({one.key: source(one.client, interval=EVERY) for one in ASSIGNMENTS})
        self.board = StatusBoard(ASSIGNMENTS, CATALOGUE)
        self.blame = Blame(ASSIGNMENTS, lambda *_: None, wall=lambda: self.now)
        self.expiry = ExpiryPanel({"app": datetime.fromtimestamp(START, UTC)}, lambda: self.board.rows)
        self.levers = Levers()
        self.headline = HeadlinePanel(lambda: self.board.rows, lambda: self.detector, self.blame, wall=lambda: self.now)
        parts = (TroublePanel(lambda: self.detector), BlamePanel(self.blame), PushPanel(list), self.expiry, self.levers)
        routes = (
            Route("/api/v1/history", self._history),
            Route("/api/v1/failures", self._failures),
            Route("/api/v1/failures/{id}", self._failure),
        )
        self.app = Guard(
            application(
                Metrics(ASSIGNMENTS, CATALOGUE, vantage="fra1"),
                self.board,
                lambda: True,
                (self.headline, *parts),
                routes,
                states=self.headline.states,
                about=About("fra1", "abc", "3.11"),
            )
        )

    def play(self, rounds: int, *failing: str) -> None:
        """Let every pair be tried so often, those of `failing` in vain."""
        for _ in range(rounds):
            for one in ASSIGNMENTS:
                failed = one.client in failing
                made = replace(outcome(kinds.NO_ANSWER if failed else None), client=one.client, target=one.target.name)
                judgement = judge(made, WORKED)
                what = What.FAILED if failed else What.OK
                self.detector.observe(Sample(one.key, self.now, what, "take" if failed else ""))
                self.board(one, made, judgement)
                self.blame(one, made, judgement)
                self.now += EVERY / len(ASSIGNMENTS)

    def play_until(self, word: str) -> None:
        """Let all be well until the sentence has `word` in it."""
        for _ in range(500):
            if word in self.headline.data()["words"]:
                return
            self.play(1)
        raise AssertionError(self.headline.data()["words"])

    async def _history(self, request: Request) -> Response:
        quiet = [[0, 0, 0, 0]] * 6 + [[30, 0, 0, 0]] * (CELLS - 6)
        rough = [*quiet[:-4], [20, 0, 10, 0], [29, 1, 0, 0], [29, 0, 0, 1], [15, 0, 15, 0]]
        assignments = [
            {"client": one.client, "target": one.target.name, "cells": rough if one.key == "imap4/ams-1" else quiet}
            for one in ASSIGNMENTS
        ]
        return JSONResponse({"from": "2027-01-14T09:00:00Z", "seconds_per_cell": 900, "assignments": assignments})

    async def _failures(self, request: Request) -> Response:
        if self.hidden:
            return PlainTextResponse("answers this machine only\n", status_code=403)
        older = FAILURE | {"id": "f0", "started_at": "2027-01-15T08:20:00Z", "origin": "second_look"}
        return JSONResponse({"failures": [older, FAILURE]})

    async def _failure(self, request: Request) -> Response:
        if request.query_params.get("format") == "text":
            return PlainTextResponse("for a support case\n")
        return JSONResponse(BUNDLE | {"id": request.path_params["id"]})


@contextmanager
def served(app: Any) -> Iterator[str]:
    """Serve `app` by a loop in a thread of its own; give its address."""
    with socket.create_server(("127.0.0.1", 0)) as bound:
        server = WebServer(app)
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([bound])))
        thread.start()
        try:
            yield f"http://127.0.0.1:{bound.getsockname()[1]}/"
        finally:
            server.should_exit = True
            thread.join()
