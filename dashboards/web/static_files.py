"""Owns the files that pages load: read once, kept in memory, under an address that changes with their content.

A browser keeps them for a year; a new release has new addresses, and modules find each other beside themselves.
"""

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path

from fastapi import APIRouter, Request, Response

from beket.kernel.errors import NotFound
from beket.kernel.text import say

FOLDER = Path(__file__).parent / "static"
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
_YEAR_S = 31_536_000


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file as it travels."""

    media_type: str
    plain: bytes
    packed: bytes


class StaticFiles:
    """The folder `static` of this release. `prefix` is the address it is under."""

    def __init__(self, folder: Path = FOLDER) -> None:
        paths = sorted(path for path in folder.iterdir() if path.suffix in _TYPES)
        self._files = {path.name: _read(path) for path in paths}
        whole = hashlib.sha256(b"".join(name.encode() + file.plain for name, file in self._files.items()))
        self.prefix = f"/static/{whole.hexdigest()[:12]}"

    def router(self) -> APIRouter:
        """Where they are; open to everybody, for the log-in page needs them and they hold nothing of the community."""
        routes = APIRouter()

        @routes.get(self.prefix + "/{name}")
        async def static(name: str, request: Request) -> Response:
            file = self._files.get(name)
            if file is None:
                raise NotFound(say("Такого файла немає.", "There is no such file."), subject=name[:80])
            headers = {
                "Cache-Control": f"public, max-age={_YEAR_S}, immutable",
                "Vary": "Accept-Encoding",
                "X-Content-Type-Options": "nosniff",
            }
            if "gzip" not in request.headers.get("accept-encoding", ""):
                return Response(file.plain, media_type=file.media_type, headers=headers)
            packed = {**headers, "Content-Encoding": "gzip"}
            return Response(file.packed, media_type=file.media_type, headers=packed)

        return routes


def _read(path: Path) -> StaticFile:
    plain = path.read_bytes()
    return StaticFile(_TYPES[path.suffix], plain, gzip.compress(plain, mtime=0))
