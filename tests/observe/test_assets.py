"""The files of the page: there, named by their content, and kept by browsers for as long as they are the same."""

import re

import httpx
import pytest
from starlette.applications import Starlette

from prober.observe.assets import FOREVER, TYPES, Assets
from prober.observe.web import refused


async def get(path: str) -> httpx.Response:
    app = Starlette(routes=list(Assets().routes), exception_handlers={404: refused})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://prober") as client:
        return await client.get(path)


@pytest.mark.parametrize(("name", "media"), TYPES.items())
async def test_a_file_named_by_its_content_is_kept_for_ever(name: str, media: str) -> None:
    answer = await get(f"/{Assets().address(name)}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, media)
    assert answer.headers["cache-control"] == FOREVER
    assert answer.content


@pytest.mark.parametrize("query", ["", "?v=0123456789abcdef"])
async def test_one_named_otherwise_is_not(query: str) -> None:
    """The address may mean another content tomorrow."""
    assert "cache-control" not in (await get(f"/static/page.css{query}")).headers


@pytest.mark.parametrize("path", ["/static/other.css", "/static/..%2fweb.py", "/static/"])
async def test_nothing_else_is_there(path: str) -> None:
    assert (await get(path)).status_code == 404


@pytest.mark.parametrize("name", TYPES)
async def test_no_file_asks_anybody_else(name: str) -> None:
    """No address of another host, but for the name of a format."""
    text = (await get(f"/{Assets().address(name)}")).text.replace("http://www.w3.org/2000/svg", "")
    assert re.findall(r"(?:https?:)?//[a-z]\w*\.|@import|url\(", text) == []
