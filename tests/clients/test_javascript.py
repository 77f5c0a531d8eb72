"""Do JavaScript clients query and update the server as they do any other?

They are taken from the npm registry once, into a cache of the user (``XDG_CACHE_HOME``), never
into the repository. Where there is no node, or the packages cannot be had, the tests are skipped.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest

from tests.crash.instance import Instance

PACKAGES: Final = {
    # Later ones want a node that knows zstd.
    "@comunica/query-sparql": "4.5.0",
    "fetch-sparql-endpoint": "7.2.0",
    "sparql-http-client": "3.1.0",
}
PEOPLE: Final = "http://example.org/people"
FOAF: Final = "http://xmlns.com/foaf/0.1/"
NODE: Final = shutil.which("node")
NPM: Final = shutil.which("npm")
_INSTALLING: Final = 400  # seconds, on a slow machine without a cache

PRELUDE: Final = """
const [address, token, graph] = process.argv.slice(2);
const people = 'http://example.org/people';
const names = `PREFIX foaf: <http://xmlns.com/foaf/0.1/> SELECT ?who ?name FROM <${people}> {
  ?who foaf:name ?name FILTER(isIRI(?who)) } ORDER BY ?name`;
const insert = `INSERT DATA { GRAPH <${graph}> { <urn:a> <urn:p> "a+b %25 & 보", 1 } }`;
const remove = `DELETE { GRAPH <${graph}> { ?s ?p ?o } } WHERE {
  GRAPH <${graph}> { ?s ?p ?o FILTER(isNumeric(?o)) } }`;
const inGraph = `SELECT ?o { GRAPH <${graph}> { ?s ?p ?o } } ORDER BY STR(?o)`;
const authorized = (url, init = {}) => {
  const headers = new Headers(init.headers);
  headers.set('Authorization', `Bearer ${token}`);
  return fetch(url, { ...init, headers });
};
const told = {};
"""

COMUNICA: Final = """
import { QueryEngine } from '@comunica/query-sparql';
const engine = new QueryEngine();
const source = { type: 'sparql', value: `${address}sparql` };
const values = async (query, name) =>
  (await (await engine.queryBindings(query, { sources: [source] })).toArray())
    .map(row => row.get(name).value);
told.select = (await values(`PREFIX foaf: <http://xmlns.com/foaf/0.1/> SELECT ?name {
  GRAPH <${people}> { ?who foaf:name ?name FILTER(isIRI(?who)) } }`, 'name')).sort();
told.ask = await engine.queryBoolean('ASK { ?s ?p "Ann" }', { sources: [source] });
told.construct = (await (await engine.queryQuads(
  `CONSTRUCT { ?s ?p ?o } WHERE { GRAPH <${people}> { ?s ?p ?o } }`,
  { sources: [source] })).toArray()).length;
// It reads the service description where it is told to find out by itself what it is given.
told.automatic = (await (await engine.queryBindings('SELECT * { ?s ?p "Ann" }',
  { sources: [`${address}sparql`] })).toArray()).length;
const updating = {
  sources: [source], fetch: authorized,
  destination: { type: 'sparql', value: `${address}update` },
};
await engine.queryVoid(insert, updating);
told.inserted = await values(inGraph, 'o');
await engine.queryVoid(remove, updating);
told.removed = await values(inGraph, 'o');
"""

FETCH_SPARQL_ENDPOINT: Final = """
import { SparqlEndpointFetcher } from 'fetch-sparql-endpoint';
const all = stream => new Promise((resolve, reject) => {
  const found = [];
  stream.on('data', item => found.push(item)).on('error', reject).on('end', () => resolve(found));
});
const fetcher = new SparqlEndpointFetcher({ method: 'POST' });
const values = async (query, name, from = fetcher) =>
  (await all(await from.fetchBindings(`${address}sparql`, query))).map(row => row[name].value);
told.select = await values(names, 'name');
told.get = await values(names, 'name', new SparqlEndpointFetcher({ method: 'GET' }));
told.ask = await fetcher.fetchAsk(`${address}sparql`, 'ASK { ?s ?p "Ann" }');
told.construct = (await all(await fetcher.fetchTriples(
  `${address}sparql`, `CONSTRUCT { ?s ?p ?o } WHERE { GRAPH <${people}> { ?s ?p ?o } }`))).length;
const writer = new SparqlEndpointFetcher({ fetch: authorized });
await writer.fetchUpdate(`${address}update`, insert);
told.inserted = await values(inGraph, 'o');
await writer.fetchUpdate(`${address}update`, remove);
told.removed = await values(inGraph, 'o');
told.refused = await fetcher.fetchUpdate(`${address}update`, 'DROP ALL').then(
  () => 'made', error => String(error.message));
"""

SPARQL_HTTP_CLIENT: Final = """
import SparqlClient from 'sparql-http-client/ParsingClient.js';
import StreamClient from 'sparql-http-client';
import rdf from '@rdfjs/data-model';
const settings = {
  endpointUrl: `${address}sparql`, updateUrl: `${address}update`, storeUrl: `${address}store`,
  headers: { Authorization: `Bearer ${token}` },
};
const client = new SparqlClient(settings);
const values = async (query, name, options) =>
  (await client.query.select(query, options)).map(row => row[name].value);
told.select = await values(names, 'name');
told.get = await values(names, 'name', { operation: 'get' });
told.direct = await values(names, 'name', { operation: 'postDirect' });
told.ask = await client.query.ask('ASK { ?s ?p "Ann" }');
told.construct = [...await client.query.construct(
  `CONSTRUCT { ?s ?p ?o } WHERE { GRAPH <${people}> { ?s ?p ?o } }`)].length;
await client.query.update(insert);
told.inserted = await values(inGraph, 'o');
// Its way to send an update directly calls it a query; as a form, it is what it should be.
await client.query.update(remove);
told.removed = await values(inGraph, 'o');
const name = rdf.namedNode(graph);
const { store } = new StreamClient(settings);
const size = async () => {
  let count = 0;
  for await (const quad of store.get(name)) count += 1;
  return count;
};
told.stored = await size();
await store.put(store.get(rdf.namedNode(people)), { graph: name });
told.put = await size();
told.refused = await new SparqlClient({ ...settings, headers: {} }).query.update('DROP ALL').then(
  () => 'made', error => `${error.status} ${error.message}`);
"""


@pytest.fixture(scope="session")
def packages() -> Path:
    """Return the folder in which the packages are, installed at the first time."""
    if NODE is None or NPM is None:
        pytest.skip("there is no node, or no npm")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    name = "-".join(f"{name.rpartition('/')[2]}@{v}" for name, v in PACKAGES.items())
    folder = cache / "peninsula-tests" / name
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "whole").exists():
            _install(folder)
            (folder / "whole").touch()
    return folder


def _install(folder: Path) -> None:
    (folder / "package.json").write_text('{"private": true, "type": "module"}\n', encoding="utf-8")
    wanted = [f"{name}@{version}" for name, version in PACKAGES.items()]
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    try:
        done = subprocess.run(
            [str(NPM), "install", *options, *wanted],
            cwd=folder, capture_output=True, text=True, timeout=_INSTALLING, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        pytest.skip(f"npm did not bring the packages within {_INSTALLING} s")
    if done.returncode:
        pytest.skip(f"npm cannot bring the packages: {done.stderr.strip()[:500]}")


def run(packages: Path, name: str, script: str, server: Instance, graph: str) -> dict[str, Any]:
    """Run a script beside the packages; return what it tells."""
    # Imports are resolved from where the script is; two sessions must not share one.
    path = packages / f"{name}-{os.getpid()}.mjs"
    imports = [line for line in script.splitlines() if line.startswith("import ")]
    rest = [line for line in script.splitlines() if not line.startswith("import ")]
    end = "console.log(JSON.stringify(told));\nprocess.exit(0);\n"
    path.write_text("\n".join([*imports, PRELUDE, *rest, end]), encoding="utf-8")
    try:
        done = subprocess.run(
            [str(NODE), str(path), server.address, server.token, graph],
            cwd=packages, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
    finally:
        path.unlink()
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


FOUND: Final = ["Ann", "Бо", "보"]


def check(told: dict[str, Any]) -> None:
    """Check what every client must have found."""
    assert told["select"] == FOUND
    assert told["ask"] is True
    assert told["construct"] == 8
    assert told["inserted"] == ["1", "a+b %25 & 보"]
    assert told["removed"] == ["a+b %25 & 보"]


def test_comunica_queries_and_updates(packages: Path, server: Instance, graph: str) -> None:
    told = run(packages, "comunica", COMUNICA, server, graph)
    check(told)
    assert told["automatic"] == 1


def test_fetch_sparql_endpoint_queries_and_updates(
    packages: Path, server: Instance, graph: str
) -> None:
    told = run(packages, "fetch-sparql-endpoint", FETCH_SPARQL_ENDPOINT, server, graph)
    check(told)
    assert told["get"] == FOUND
    assert "401" in told["refused"]


def test_sparql_http_client_queries_and_updates(
    packages: Path, server: Instance, graph: str
) -> None:
    told = run(packages, "sparql-http-client", SPARQL_HTTP_CLIENT, server, graph)
    check(told)
    assert told["get"] == told["direct"] == FOUND
    assert told["stored"] == 1
    assert told["put"] == 8
    assert "401" in told["refused"] or "Token needed" in told["refused"]
