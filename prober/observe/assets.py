"""The files that the status page brings along: its style, its script, its mark. Nothing comes from elsewhere."""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from importlib.resources import files
from types import MappingProxyType

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

TYPES: Mapping[str, str] = MappingProxyType(
    {
        "page.css": "text/css; charset=utf-8",
        "page.js": "text/javascript; charset=utf-8",
        "mark.svg": "image/svg+xml",
    }
)
FOREVER = "public, max-age=31536000, immutable"
"""For an address that names the content: it never means anything else."""


def mark(content: bytes) -> str:
    """Return by what a content is known from any other."""
    return blake2b(content, digest_size=8).hexdigest()


class Assets:
    """Reads the files once. `address` is relative, so that the page works below any path of a reverse proxy."""

    def __init__(self) -> None:
        folder = files("prober.observe") / "static"
        self._contents = {name: (folder / name).read_bytes() for name in TYPES}
        self._marks = {name: mark(content) for name, content in self._contents.items()}

    @property
    def routes(self) -> Sequence[Route]:
        """What answers."""
        return (Route("/static/{name}", self._show),)

    def address(self, name: str) -> str:
        """Return where a file is to be had, its content named. Raises `KeyError` for one that does not exist."""
        return f"static/{name}?v={self._marks[name]}"

    async def _show(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in self._contents:
            raise HTTPException(404)
        named = request.query_params.get("v") == self._marks[name]
        fields = {"cache-control": FOREVER} if named else {}
        return Response(self._contents[name], media_type=TYPES[name], headers=fields)
