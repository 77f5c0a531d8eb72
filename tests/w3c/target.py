"""How do the W3C's tests reach the server under test?

The server is Peninsula's own, started as a process on an empty store. With the environment
variable ``PENINSULA_W3C_TARGET=oxigraph`` it is ``oxigraph serve`` (the program of the PyPI package
``oxigraph``, found beside this Python, on the path, or where ``PENINSULA_W3C_OXIGRAPH`` says):
that is how the list of the engine's own failures, ``engine-failures.csv``, is checked.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Final
from urllib.parse import urlencode, urlsplit

import pyoxigraph as ox

from peninsula import tokens
from tests.server.processes import serving

from .manifests import RDF_FORMATS, DatasetFiles, iri_of

FORM: Final = "application/x-www-form-urlencoded"
WAYS: Final = ("GET", "POST form", "POST direct")
"""The three ways of the SPARQL 1.1 Protocol to send a query."""


@dataclass(frozen=True)
class Response:
    """What a server answered; the names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def media_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def __str__(self) -> str:
        return f"{self.status} {self.media_type}: {self.body[:2000].decode(errors='replace')}"


@dataclass
class Target:
    """A running server: where it listens and what its addresses are called.

    Args:
        address: ``http://host:port``.
        token: what to send as bearer token, where the server wants one.
        loading_refused: the statuses by which the server declines to LOAD an address, other than
            by calling it a syntax error.
    """

    address: str
    query_path: str = "/sparql"
    update_path: str = "/update"
    store_path: str = "/store"
    token: str | None = None
    loading_refused: frozenset[int] = frozenset({403})
    _dataset: DatasetFiles | None = field(default=None, init=False)

    def request(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Response:
        """Send one request, with no header added but what HTTP itself needs and the token."""
        if method not in {"GET", "HEAD"}:
            self._dataset = None
        sent = dict(headers or {})
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        connection = http.client.HTTPConnection(urlsplit(self.address).netloc, timeout=60)
        try:
            connection.request(method, path, body, sent)
            response = connection.getresponse()
            received = {name.lower(): value for name, value in response.getheaders()}
            return Response(response.status, received, response.read())
        finally:
            connection.close()

    def query(self, text: str, accept: str, way: str = "POST direct") -> Response:
        """Ask a query in one of the ``WAYS``."""
        dataset = self._dataset
        headers = {"Accept": accept}
        match way:
            case "GET":
                path = f"{self.query_path}?{urlencode({'query': text})}"
                return self.request("GET", path, headers)
            case "POST form":
                headers["Content-Type"] = FORM
                body = urlencode({"query": text}).encode()
            case _:
                headers["Content-Type"] = "application/sparql-query"
                body = text.encode()
        response = self.request("POST", self.query_path, headers, body)
        self._dataset = dataset
        return response

    def update(self, text: str, way: str = "POST direct") -> Response:
        """Send an update, directly or as a form."""
        if way == "POST form":
            body, media_type = urlencode({"update": text}).encode(), FORM
        else:
            body, media_type = text.encode(), "application/sparql-update"
        return self.request("POST", self.update_path, {"Content-Type": media_type}, body)

    def hold(self, files: DatasetFiles) -> None:
        """See that the dataset is exactly what these files hold.

        One PUT of N-Quads replaces the whole dataset. Nothing is written where only queries were asked since it was made so.
        """
        if self._dataset == files:
            return
        body = ox.serialize(dataset(files), format=ox.RdfFormat.N_QUADS)
        assert body is not None
        headers = {"Content-Type": "application/n-quads"}
        loaded = self.request("PUT", self.store_path, headers, body)
        assert loaded.status in {200, 201, 204}, loaded
        for name, path in files.named:
            if not read(path):
                created = self.update(f"CREATE SILENT GRAPH <{name}>")
                assert created.status in {200, 204}, created
        self._dataset = files


def read(path: Path) -> list[ox.Quad]:
    """What a file holds, with blank nodes that no other reading has."""
    return list(
        ox.parse(
            path=path,
            format=RDF_FORMATS[path.suffix],
            base_iri=iri_of(path),
            rename_blank_nodes=True,
        )
    )


def dataset(files: DatasetFiles) -> list[ox.Quad]:
    """All that files hold, each triple in the graph it is for.

    A file "of the default graph" may hold named graphs of its own (TriG).
    """
    default = [quad for path in files.default for quad in read(path)]
    named = [
        ox.Quad(quad.subject, quad.predicate, quad.object, ox.NamedNode(name))
        for name, path in files.named
        for quad in read(path)
    ]
    return default + named


def add_token(store: Path) -> str:
    """Make a token that may do everything to a store of Peninsula."""
    return tokens.add(store, "w3c", "admin")


@contextlib.contextmanager
def peninsula(folder: Path) -> Iterator[Target]:
    """Peninsula's server on a new, empty store in ``folder``."""
    command = [sys.executable, "-m", "peninsula"]
    store = ["--store", str(folder / "store")]
    token = add_token(folder / "store")
    serve = [*command, "serve", "--empty", "--default-graph", "own", "--host", "127.0.0.1", *store]
    with serving(serve, folder) as server:
        yield Target(server.address.rstrip("/"), token=token)


@contextlib.contextmanager
def oxigraph(folder: Path) -> Iterator[Target]:
    """The engine's own server on a new store in ``folder``."""
    beside = Path(sys.executable).with_name("oxigraph")
    program = os.environ.get("PENINSULA_W3C_OXIGRAPH") or (
        str(beside) if beside.exists() else shutil.which("oxigraph")
    )
    assert program, "there is no program oxigraph: install the package oxigraph"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{free.getsockname()[1]}"
    with (folder / "oxigraph.log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            [program, "serve", "--location", str(folder / "store"), "--bind", host],
            stdout=log,
            stderr=log,
        )
        try:
            target = Target(f"http://{host}", "/query", loading_refused=frozenset({500}))
            for attempt in count():
                try:
                    target.request("GET", "/")
                    break
                except ConnectionError:
                    assert attempt < 100 and process.poll() is None, "oxigraph did not start"
                    time.sleep(0.1)
            yield target
        finally:
            process.terminate()
            process.wait(10)


def started(folder: Path) -> contextlib.AbstractContextManager[Target]:
    """The target that the environment asks for."""
    name = os.environ.get("PENINSULA_W3C_TARGET", "peninsula")
    assert re.fullmatch("peninsula|oxigraph", name), f"unknown target {name}"
    return oxigraph(folder) if name == "oxigraph" else peninsula(folder)
