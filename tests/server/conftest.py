"""Fixtures of the server's tests.

``knowledge`` is the small scene in ``tests/fixtures/knowledge``: two summits, three states.
``copy`` is a copy of it to break. ``dataset`` holds it in memory, ``client`` asks an
application that serves it. ``engine`` is a store on disk with every process that a server has,
shared by the tests of one module; ``site`` is an application that serves it. Nothing here touches
the shipped data: they have tests of their own.
"""

from __future__ import annotations

import atexit
import contextlib
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyoxigraph as ox
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from peninsula import tokens
from peninsula.app import create_app
from peninsula.config import Config
from peninsula.dataset.bulk import load_files
from peninsula.dataset.embedded import EmbeddedDatabase, Options
from peninsula.dataset.generations import Generations
from peninsula.dataset.interface import Dataset, Outcome, Solutions, Term
from peninsula.dataset.local import LocalDatabase, LocalDataset
from peninsula.dataset.readers import Limits
from peninsula.knowledge import Knowledge, find_knowledge
from peninsula.library import Library, read_library
from peninsula.loading import Loaded, load, open_database, prepare
from peninsula.policy import Policy

ROOT: Final = Path(__file__).resolve().parents[2]
SCENE: Final = ROOT / "tests" / "fixtures" / "knowledge"
#: What a browser sends.
BROWSER: Final = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
#: A query that takes hours and writes nothing meanwhile, over the numbers of ``COUNTED``.
DEATH: Final = (
    "SELECT (COUNT(*) AS ?n) { " + " ".join(f"?a{i} ?b{i} ?c{i} ." for i in range(6)) + " }"
)
#: Enough statements for ``DEATH``.
COUNTED: Final = [
    ox.Quad(ox.NamedNode(f"x:s{i}"), ox.NamedNode("x:p"), ox.Literal(i)) for i in range(400)
]


@pytest.fixture(scope="session")
def knowledge() -> Knowledge:
    return find_knowledge(SCENE)


@pytest.fixture(scope="session")
def loaded(knowledge: Knowledge) -> Loaded:
    return load(knowledge)


@pytest.fixture(scope="session")
def dataset(loaded: Loaded) -> LocalDataset:
    store = ox.Store()
    store.extend([*loaded.stated, *loaded.computed])
    return LocalDataset(store, Policy())


@pytest.fixture(scope="session")
def library(knowledge: Knowledge) -> Library:
    return read_library(knowledge.queries)


@pytest.fixture(scope="session")
def app(dataset: LocalDataset, knowledge: Knowledge) -> Flask:
    return create_app(Config(table_rows=50), LocalDatabase(dataset), knowledge)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a copy of the small knowledge that a test may break."""
    return shutil.copytree(SCENE, tmp_path / "knowledge")


def wait_until(holds: Callable[[], Any], seconds: float = 30.0) -> None:
    """Return as soon as ``holds()`` does; fail after ``seconds``, which only a failure takes."""
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, "it did not come to be so in time"
        time.sleep(0.01)


def is_dead(pid: int) -> bool:
    """Return whether a process has ended, though perhaps nobody has asked how yet."""
    process = Path(f"/proc/{pid}")
    try:
        if (process / "stat").read_text().rpartition(")")[2].split()[0] != "Z":
            return False
        # Its first thread may be gone before the others, which hold its files open.
        return len(list((process / "task").iterdir())) <= 1
    except OSError:
        return True


_FILLED: dict[tuple[ox.Quad, ...], Path] = {}


def fill(folder: Path, quads: Iterable[ox.Quad] = ()) -> Generations:
    """Return a store in ``folder`` whose first generation is empty; with ``quads`` a second."""
    key = tuple(quads)
    if key not in _FILLED:
        # To copy one costs a thirtieth of making it.
        _FILLED[key] = Path(tempfile.mkdtemp(prefix="peninsula-tests-"))
        atexit.register(shutil.rmtree, _FILLED[key])
        _make(Generations(_FILLED[key]), key)
    shutil.copytree(_FILLED[key], folder, dirs_exist_ok=True)
    return Generations(folder)


def _make(generations: Generations, quads: Sequence[ox.Quad]) -> None:
    with generations.locked():
        prepare(generations, None)
        if quads:
            path = generations.folder / "first.nq"
            ox.serialize(quads, str(path), ox.RdfFormat.N_QUADS)
            load_files(generations, [path], lambda *_: None)
            path.unlink(missing_ok=True)


@contextlib.contextmanager
def running(generations: Generations, **options: Any) -> Iterator[EmbeddedDatabase]:
    """Run every process that a server has for a store; ``options`` as in ``Options``."""
    limits = options.pop("limits", Limits(places=2, timeout=15))
    chosen = Options(**{"is_union": False, "memory": "never", "limits": limits, **options})
    with generations.locked():
        database = EmbeddedDatabase(generations, Policy(), chosen)
        try:
            yield database
        finally:
            database.close()


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedDatabase]:
    """Return a database with the numbers in its default graph, for the tests of one module."""
    with running(fill(tmp_path_factory.mktemp("store"), COUNTED)) as database:
        yield database


def update(database: EmbeddedDatabase, text: str, **more: Any) -> Outcome:
    """Make an update as a client called “tester”."""
    timing = {name: more.pop(name) for name in ("timeout", "precondition") if name in more}
    return database.change(
        {
            "kind": "update", "text": text, "base": "http://localhost/sparql", "prefixes": None,
            "using_graphs": [], "using_named_graphs": [], "only_graph": None,
            "loads": {}, "load_errors": {},
            "agent": "tester", "summary": "update", **more,
        },
        **timing,
    )  # fmt: skip


def ask(dataset: Dataset, query: str) -> list[tuple[Term | None, ...]]:
    """Return the solutions of a query."""
    result = dataset.evaluate(query)
    assert isinstance(result, Solutions)
    return list(result)


class Client(FlaskClient):
    """A client that takes every response to its end and closes it, as a server does."""

    def open(self, *args: Any, buffered: bool = True, **kwargs: Any) -> TestResponse:
        """Send a request; ``buffered`` False leaves it to the caller to read and to close."""
        return super().open(*args, buffered=buffered, **kwargs)


@dataclass(frozen=True)
class Served:
    """An application that serves a store, with a token for every role."""

    config: Config
    database: EmbeddedDatabase
    app: Flask
    tokens: dict[str, str]

    @property
    def client(self) -> FlaskClient:
        return self.app.test_client()

    def bearing(self, role: str = "write") -> dict[str, str]:
        """Return the header by which the bearer of that role is known."""
        return {"Authorization": f"Bearer {self.tokens[role]}"}

    def update(self, text: str, **parameters: str) -> TestResponse:
        """Send an update; return the response."""
        return self.client.post(
            "/update",
            data=text,
            query_string=parameters,
            content_type="application/sparql-update",
            headers=self.bearing(),
        )


@contextlib.contextmanager
def serving_app(
    folder: Path, knowledge: Knowledge | None = None, **settings: Any
) -> Iterator[Served]:
    """Serve a store in ``folder`` by an application in this process, with real workers."""
    chosen = {"empty": knowledge is None, "memory": "never", "readers": 2, **settings}
    config = Config(store=folder, **chosen)
    generations = Generations(folder)
    known = {role: tokens.add(folder, f"a-{role}er", role) for role in tokens.ROLES}
    with generations.locked():
        prepare(generations, knowledge)
        database = open_database(config, generations)
        try:
            app = create_app(config, database, knowledge)
            app.test_client_class = Client
            yield Served(config, database, app, known)
        finally:
            database.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Return an application over an empty store of its own default graph, for one module."""
    with serving_app(tmp_path_factory.mktemp("site"), default_graph="own") as served:
        yield served
