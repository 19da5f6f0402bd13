"""Error pages with status 200, and pages that only look like them."""

import random

import pytest

from prober.exchange import Reply
from prober.faults.taxonomy import Reason
from prober.protocols.http.phrases import DEFAULT, recognised, refuse_error_page, split, visible
from tests.protocols.eas.made import refused

PHRASES = split(DEFAULT)
EDGE = (
    b"<!DOCTYPE html><html><head><title></title></head><body><div id='content'><h2>Our services aren't available right"
    b" now</h2><p>We're working to restore all services as soon as possible. Please check back soon.</p></div></body>"
)
"""The words of Azure Front Door where it cannot reach who stands behind it."""


@pytest.mark.parametrize(
    "page",
    [
        b"<html><body><h1>:-(</h1><p>Something went wrong</p>",
        b"<p>SOMETHING\n   went&nbsp;wrong",
        b"<title>Something went wrong</title>",
        b"Something <b>went</b> wrong",
        b"<p>The page wasn&#39;t able to respond",
        "<p>The page wasn\u2019t able to respond".encode(),
        b"<script>let a = 1;</script><p>Something went wrong</p><script>",
        b"<!-- a comment --><p>Something went wrong</p>",
        EDGE,
    ],
)
def test_an_error_page_is_recognised_by_what_it_shows(page: bytes) -> None:
    """Whatever its case, its spaces and its apostrophes."""
    fault = refused(lambda reply: refuse_error_page(reply, PHRASES), Reply(200, body=page))
    assert (fault.kind.code, fault.reason) == ("error_page_text", Reason.SERVER_ERROR)
    assert fault.evidence["phrase"] in PHRASES


@pytest.mark.parametrize(
    "page",
    [
        b"",
        b"<html><body><h1>Office</h1><a href=/login>Sign in</a>",
        b"<script>const texts = {error: 'Something went wrong'};</script><p>Welcome",
        b"<SCRIPT type=module>'Something went wrong'</SCRIPT ><p>Welcome",
        b"<script>'Something went wrong'",
        b"<!-- Something went wrong --><p>Welcome",
        b"<style>.a::after {content: 'Something went wrong'}</style>",
        b"<template><p>Something went wrong</p></template>",
        b"<p title='Something went wrong'>Welcome",
        b" " * 300_000 + b"Something went wrong",
    ],
)
def test_what_is_not_shown_does_not_count(page: bytes) -> None:
    """A program carries the words of all its messages; only the beginning of a page is looked at."""
    refuse_error_page(Reply(200, body=page), PHRASES)


def test_the_phrases_can_be_configured() -> None:
    """One text, separated by a bar; nothing stands for no phrase at all."""
    assert split(" Out of order | Kaputt|| |") == ("Out of order", "Kaputt")
    assert split("") == ()
    assert recognised(b"<p>leider kaputt</p>", split("Out of order|Kaputt")) == "Kaputt"
    assert recognised(b"<p>Something went wrong</p>", split("")) == ""
    stoerung = "<p>ST\u00d6RUNG, 503".encode()
    assert recognised(stoerung, split("St\u00f6rung")) == "St\u00f6rung"
    assert recognised(stoerung, split("503")) == "503"


def test_any_bytes_are_a_page() -> None:
    """Cut anywhere, or at random; and text that opens again and again takes no longer."""
    rng = random.Random(5)
    whole = b"<!--x--><script>1</script><style>2</style><p>Something went wrong &#39; &amp</p>"
    for end in range(len(whole)):
        assert len(visible(whole[:end])) <= end + 20
    for _ in range(300):
        visible(rng.randbytes(100))
        visible(bytes(rng.choice(b"<>!-/script \xff&;") for _ in range(100)))
    assert len(visible(b"<script" * 40_000)) < 10
    assert len(visible(b"<script></script" * 20_000)) < 300_000
    assert len(visible(b"<" * 262_144)) == 262_144
