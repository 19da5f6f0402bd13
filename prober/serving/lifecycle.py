"""What an operator may ask of a running prober: its configuration, to read it again, to end."""

from collections.abc import Awaitable, Callable, Sequence

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

Reload = Callable[[], Awaitable[Sequence[str]]]
"""Reads the configuration again and puts it in force; returns a line for each mistake, none where it is in force."""
NOT_ENABLED = "Lifecycle API is not enabled: start with --web.enable-lifecycle.\n"


async def cannot_reload() -> Sequence[str]:
    """Say that nobody here reads the configuration again."""
    return ("this prober reads its configuration at its start only",)


def configuration_route(shown: Callable[[], str]) -> Route:
    """Return `/config`: the loaded configuration as YAML, fit to be shown."""

    async def show(request: Request) -> Response:
        return PlainTextResponse(shown())

    return Route("/config", show)


def lifecycle_routes(reload: Reload, end: Callable[[], None], *, enabled: bool) -> tuple[Route, ...]:
    """Return `/-/reload` and `/-/quit`, which refuse unless `enabled`, with the words of Prometheus."""

    async def reloading(request: Request) -> Response:
        if not enabled:
            return PlainTextResponse(NOT_ENABLED, status_code=403)
        mistakes = await reload()
        if mistakes:
            return PlainTextResponse(
                f"the configuration stays as it was:\n{''.join(f'{one}{chr(10)}' for one in mistakes)}", status_code=500
            )
        return PlainTextResponse("reloaded\n")

    async def ending(request: Request) -> Response:
        if not enabled:
            return PlainTextResponse(NOT_ENABLED, status_code=403)
        end()
        return PlainTextResponse("Requesting termination... Goodbye!\n")

    methods = ["POST", "PUT"]
    return Route("/-/reload", reloading, methods=methods), Route("/-/quit", ending, methods=methods)
