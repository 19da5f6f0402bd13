"""Reload, quit and the configuration."""

from collections.abc import Sequence

import httpx
import pytest
from starlette.applications import Starlette

from prober.serving.lifecycle import cannot_reload, configuration_route, lifecycle_routes


class Prober:
    """Takes note of what it is asked to do."""

    def __init__(self, mistakes: Sequence[str] = (), *, enabled: bool = True) -> None:
        self.asked: list[str] = []
        self._mistakes = mistakes
        app = Starlette(
            routes=[
                configuration_route(lambda: "global: {vantage: fra1}\n"),
                *lifecycle_routes(self.reload, lambda: self.asked.append("quit"), enabled=enabled),
            ]
        )
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://prober")

    async def reload(self) -> Sequence[str]:
        self.asked.append("reload")
        return self._mistakes


async def test_the_configuration_is_text() -> None:
    """Not something that a browser saves or renders."""
    answer = await Prober().client.get("/config")
    assert (answer.text, answer.headers["content-type"]) == ("global: {vantage: fra1}\n", "text/plain; charset=utf-8")


@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_who_is_enabled_reloads_and_quits(method: str) -> None:
    """By the methods that Prometheus takes."""
    prober = Prober()
    assert (await prober.client.request(method, "/-/reload")).text == "reloaded\n"
    assert (await prober.client.request(method, "/-/quit")).status_code == 200
    assert prober.asked == ["reload", "quit"]


async def test_a_bad_configuration_is_told_line_by_line() -> None:
    answer = await Prober(["prober.yml:1:1: globl: is not a known key", "prober.yml:2:1: x"]).client.post("/-/reload")
    assert answer.status_code == 500
    assert answer.text.splitlines() == [
        "the configuration stays as it was:",
        "prober.yml:1:1: globl: is not a known key",
        "prober.yml:2:1: x",
    ]


async def test_without_the_switch_nothing_happens() -> None:
    """403 and a line that says why; nobody is asked."""
    prober = Prober(enabled=False)
    for path in ("/-/reload", "/-/quit"):
        answer = await prober.client.post(path)
        assert (answer.status_code, answer.text.count("\n")) == (403, 1)
        assert "--web.enable-lifecycle" in answer.text
    assert prober.asked == []


async def test_looking_is_not_asking() -> None:
    """A link or a prefetching browser must not end the prober."""
    prober = Prober()
    assert (await prober.client.get("/-/quit")).status_code == 405
    assert (await prober.client.head("/-/reload")).status_code == 405
    assert prober.asked == []


async def test_a_prober_that_cannot_reload_says_so() -> None:
    assert len(await cannot_reload()) == 1
