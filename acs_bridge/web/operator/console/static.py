"""What the pages are made of beside themselves: styles, ES modules, the icon.

They are read once. All of them stand under one folder that is named by their content, so that a browser keeps them for
ever, and a module finds the others beside it. Whoever asks by another name has a page of another version: it gets what
there is, and keeps it not.
"""

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Final

from aiohttp import web

from acs_bridge.web.operator.console.texts import texts
from acs_bridge.web.operator.problems import SERVER

PATH: Final = "/static/{version}/{name}"
TEXTS: Final = "texts.js"
_TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_FOR_EVER: Final = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Static:
    """The files."""

    version: str
    contents: Mapping[str, bytes]

    def url(self, name: str) -> str:
        """Where a browser finds one of them; KeyError when there is none."""
        self.contents[name]
        return PATH.format(version=self.version, name=name)

    async def serve(self, request: web.Request) -> web.Response:
        """Answer with one of them."""
        name = request.match_info["name"]
        if name not in self.contents:
            raise web.HTTPNotFound
        kept = _FOR_EVER if request.match_info["version"] == self.version else "no-store"
        headers = {"Cache-Control": kept, "X-Content-Type-Options": "nosniff", "Server": SERVER}
        kind = _TYPES[name[name.rindex(".") :]]
        return web.Response(body=self.contents[name], content_type=kind, charset="utf-8", headers=headers)


@cache
def static() -> Static:
    """Read the files, once."""
    folder = files(__package__).joinpath("static")
    contents = {file.name: file.read_bytes() for file in folder.iterdir() if file.name.endswith(tuple(_TYPES))}
    contents[TEXTS] = texts().module().encode()
    digest = sha256()
    for name in sorted(contents):
        digest.update(f"{name}\0{len(contents[name])}\0".encode() + contents[name])
    return Static(urlsafe_b64encode(digest.digest()).decode()[:16], contents)
