"""What every test gets: fixtures of real servers, the rules of CI, and an environment that trusts nothing special."""

import logging
import os
from collections.abc import Iterator

import pytest

pytest_plugins = ["pytester", "tests.servers.fixtures", "tests.complete"]

MISLEADING = (  # each would override the authorities or the way out that a test has chosen
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
)


def pytest_configure() -> None:
    """Forget what the machine says about authorities and proxies."""
    for name in MISLEADING:
        os.environ.pop(name, None)
        os.environ.pop(name.lower(), None)


def pytest_report_header() -> str:
    """Name the account: root and others take different ways through some tests."""
    return f"running as uid {os.getuid()}"


@pytest.fixture(autouse=True)
def levels_of_the_log() -> Iterator[None]:
    """Give the loggers their levels back: a command that ran within a test has set them for the whole process."""
    loggers = (logging.getLogger(), logging.getLogger("prober"))
    before = [one.level for one in loggers]
    yield
    for one, level in zip(loggers, before, strict=True):
        one.setLevel(level)
