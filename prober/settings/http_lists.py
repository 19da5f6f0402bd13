"""From `discovery.http` to what is fetched, how, and with what to show."""

from collections.abc import Iterator

from prober.secret import SecretSource
from prober.settings.addresses import WEB, url_trouble
from prober.settings.document import Document, HttpListSection
from prober.settings.files import Files
from prober.settings.mistakes import Mistakes
from prober.settings.routes import Routes
from prober.settings.settings import HttpList
from prober.settings.source import Location

SHORTEST = 1.0
"""Seconds between two fetches of one list."""


def http_lists(document: Document, routes: Routes, files: Files, mistakes: Mistakes) -> tuple[HttpList, ...]:
    """Return the lists to fetch, in their order; take down what is wrong."""
    sections = document.discovery.http
    for index in _doubles(sections):
        mistakes.add((*_at(index), "url"), "is the URL of two lists")
    return tuple(_list(index, section, routes, files, mistakes) for index, section in enumerate(sections))


def label(index: int) -> str:
    """Return what stands for a list in metrics."""
    return f"http[{index}]"


def _at(index: int) -> Location:
    return ("discovery", "http", index)


def _doubles(sections: list[HttpListSection]) -> Iterator[int]:
    urls = [section.url for section in sections]
    yield from (index for index, url in enumerate(urls) if url in urls[:index])


def _list(index: int, section: HttpListSection, routes: Routes, files: Files, mistakes: Mistakes) -> HttpList:
    at = _at(index)
    trouble = url_trouble(section.url, WEB)
    if trouble:
        mistakes.add((*at, "url"), trouble)
    if section.interval < SHORTEST:
        mistakes.add((*at, "interval"), "must be at least 1s")
    token, password = files.secret(at, section, "token"), files.secret(at, section, "password")
    _check_proof(at, section, token, password, mistakes)
    return HttpList(
        label(index),
        section.url,
        section.interval,
        section.timeout,
        routes.route(section, at),
        token,
        section.username,
        password,
    )


def _check_proof(
    at: Location,
    section: HttpListSection,
    token: SecretSource | None,
    password: SecretSource | None,
    mistakes: Mistakes,
) -> None:
    """Take down a proof that is half one, or two of them."""
    if token is not None and (section.username or password is not None):
        mistakes.add(at, "give a token, or username and password, not both")
    elif bool(section.username) != (password is not None):
        mistakes.add(at, "username and password belong together")
    if ":" in section.username:
        mistakes.add((*at, "username"), "must not hold a colon (RFC 7617)")
