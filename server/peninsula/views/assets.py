"""How are the files sent that the pages are drawn with?

The built ones have a hash in their name and are kept by browsers for ever; they are compressed
once. Nothing outside the folder is ever read: the names come from a listing of it.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

from flask import Blueprint, Response, request

from peninsula.assets import FOLDER
from peninsula.caching import is_not_modified, make_etag
from peninsula.compression import Encoding, choose_encoding, compress
from peninsula.errors import NotFound

blueprint = Blueprint("assets", __name__)

_STATIC: Final = FOLDER.parent
_FOR_EVER: Final = "public, max-age=31536000, immutable"
_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".woff2": "font/woff2",
}


@blueprint.get("/static/<name>")
def static(name: str) -> Response:
    """Send a file that keeps its name."""
    return _send(_STATIC, name, "public, max-age=3600")


@blueprint.get("/static/built/<name>")
def built(name: str) -> Response:
    """Send a built file."""
    return _send(FOLDER, name, _FOR_EVER)


def _send(folder: Path, name: str, caching: str) -> Response:
    if name not in _list(folder):
        raise NotFound(f"There is no file “{name}”.")
    suffix = Path(name).suffix
    content_type = _TYPES.get(suffix, "application/octet-stream")
    encoding = None
    if suffix != ".woff2":  # compressed in itself
        encoding = choose_encoding(request.headers.get("Accept-Encoding"), content_type)
    try:
        body = _read(folder, name, encoding)
    except FileNotFoundError:  # built anew since the server started
        raise NotFound(f"There is no file “{name}” any more.", "Reload the page.") from None
    tag = make_etag(0, name, body)
    if is_not_modified(request.headers.get("If-None-Match"), None, tag):
        response = Response(status=304)
    else:
        response = Response(body, content_type=content_type)
        if encoding:
            response.headers["Content-Encoding"] = encoding
    response.headers["ETag"] = tag
    response.headers["Cache-Control"] = caching
    return response


@cache
def _list(folder: Path) -> frozenset[str]:
    return frozenset(path.name for path in folder.iterdir() if path.is_file())


@cache
def _read(folder: Path, name: str, encoding: Encoding | None) -> bytes:
    body = folder.joinpath(name).read_bytes()
    return b"".join(compress([body], encoding)) if encoding else body
