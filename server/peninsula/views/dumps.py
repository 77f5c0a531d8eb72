"""How are dumps of the graph, and of single sources, listed and sent?"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Final

from flask import Blueprint, Response, jsonify, request

from peninsula.compression import compress
from peninsula.dataset.interface import Dataset
from peninsula.dumps import COMPRESSIONS, NANOPUBLICATIONS, WHOLE, DumpFile, find_file, list_dumps
from peninsula.formats import HTML, PLAIN_JSON
from peninsula.nanopublications import list_things, read_nanopublications, serialize
from peninsula.negotiation import choose
from peninsula.views.answers import answer
from peninsula.views.nanopublications import read_publication
from peninsula.views.site import (
    accepted,
    asker,
    begin,
    current_site,
    dataset,
    generation,
    render,
    require_reading,
)

blueprint = Blueprint("dumps", __name__, url_prefix="/dumps")
#: Nanopublications that are written out together.
_BATCH: Final = 200


@blueprint.get("")
def dumps() -> Response:
    """List the dumps."""
    format = choose(accepted(), (PLAIN_JSON, HTML), name=request.args.get("format"))
    return answer(_show if format is HTML else _list)


def _show() -> Response:
    page = render(
        "dumps.html",
        dumps=list_dumps(dataset()),
        compressions=["", *COMPRESSIONS],
        whole=WHOLE,
        nanopublications=NANOPUBLICATIONS,
        sources=_titles(),
    )
    return Response(page, content_type=HTML.content_type)


def _titles() -> dict[str, str]:
    knowledge = current_site().knowledge
    return {source.graph: source.title for source in knowledge.sources} if knowledge else {}


def _list() -> Response:
    return jsonify(
        [
            {
                "name": dump.name,
                "graph": dump.graph or None,
                "triples": dump.triples,
                "formats": [format.extension for format in dump.formats],
                "compressions": list(COMPRESSIONS),
                "url": f"{request.host_url}dumps/{dump.name}.{dump.formats[0].extension}",
            }
            for dump in list_dumps(dataset())
        ]
    )


@blueprint.get("/<name>")
def dump(name: str) -> Response:
    """Send a dump; the same for one generation."""
    # Which dumps there are is not for everybody either.
    require_reading()
    file = find_file(name, list_dumps(dataset()))

    def make() -> Response:
        chunks = _read(file)
        if file.compression:
            # The file is compressed, whatever the client says it takes.
            chunks = compress(chunks, COMPRESSIONS[file.compression][0])
        response = Response(begin(chunks), content_type=file.content_type)
        response.headers["Content-Disposition"] = (
            f'attachment; filename="{file.dump.name}-{generation().number}'
            f'{name.removeprefix(file.dump.name)}"'
        )
        return response

    response = answer(make)
    # It is written anew for each request: to skip a part costs as much as to send it.
    response.headers["Accept-Ranges"] = "none"
    return response


def _read(file: DumpFile) -> Iterator[bytes]:
    if file.dump.name == NANOPUBLICATIONS:
        return _write_nanopublications(file, dataset())
    # Not through what adds other services: a dump is of what is here.
    here = current_site().database.view(asker(), generation())
    found = here.dump(
        file.dump.graph or None, file.format, is_everything=not file.dump.graph, names_graph=True
    )
    return found.chunks(file.format)


def _write_nanopublications(file: DumpFile, state: Dataset) -> Iterator[bytes]:
    publication = read_publication(state)
    found = read_nanopublications(state, list_things(state), publication)
    while batch := list(itertools.islice(found, _BATCH)):
        yield serialize([quad for _, quads in batch for quad in quads], file.format)
