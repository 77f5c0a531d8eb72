"""How are dumps of the graph, and of single sources, listed and sent?"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Final

import pyoxigraph as ox
from flask import Blueprint, Response, jsonify, request, send_file
from werkzeug.wrappers import Response as BaseResponse

from peninsula.compression import compress
from peninsula.dataset.budgets import Budget
from peninsula.dataset.generations import Generations
from peninsula.dataset.interface import Asker, Dataset
from peninsula.dumps import COMPRESSIONS, NANOPUBLICATIONS, WHOLE, DumpFile, find_file, list_dumps
from peninsula.formats import HTML, PLAIN_JSON
from peninsula.labels import find_labels
from peninsula.nanopublications import (
    Publication,
    list_things,
    read_nanopublications,
    serialize,
)
from peninsula.negotiation import choose
from peninsula.views.answers import answer, answer_file
from peninsula.views.nanopublications import read_publication
from peninsula.views.site import (
    accepted,
    asker,
    begin,
    current_site,
    dataset,
    generation,
    language,
    render,
    require_reading,
)

blueprint = Blueprint("dumps", __name__, url_prefix="/dumps")
#: Nanopublications that are written out together.
_BATCH: Final = 200
#: Seconds for which a request waits until a dump is whole, and has a size.
_PATIENCE: Final = 5.0
#: Seconds that making one may take; whoever asked for it may have left.
_LONGEST: Final = 3600.0
#: Bytes of a triple, about.
_PLAIN: Final = 200
_COMPRESSED: Final = 20


@blueprint.get("")
def dumps() -> Response:
    """List the dumps."""
    format = choose(accepted(), (PLAIN_JSON, HTML), name=request.args.get("format"))
    return answer(_show if format is HTML else _list)


def _show() -> Response:
    listed = list_dumps(dataset())
    page = render(
        "dumps.html",
        dumps=listed,
        compressions=["", *COMPRESSIONS],
        whole=WHOLE,
        nanopublications=NANOPUBLICATIONS,
        sources=_titles([dump.graph for dump in listed if dump.graph]),
    )
    return Response(page, content_type=HTML.content_type)


def _titles(graphs: Iterable[str]) -> dict[str, str]:
    """Return what graphs are called, by the graph itself or by the knowledge it was loaded from."""
    knowledge = current_site().knowledge
    shipped = {s.graph: s.title for s in knowledge.sources} if knowledge else {}
    return {**shipped, **find_labels(dataset(), map(ox.NamedNode, graphs), language())}


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
def dump(name: str) -> BaseResponse:
    """Send a dump of one generation; it is made once, and has a size and parts from then on."""
    # Which dumps there are is not for everybody either.
    require_reading()
    file = find_file(name, list_dumps(dataset()))
    kept_files = current_site().kept_files
    if not _has_room(file, kept_files.most_bytes):
        response = answer(lambda: _prepare(file, Response(begin(_reader(file, asker())()))))
        # It is written anew for each request: to skip a part costs as much as to send it.
        response.headers["Accept-Ranges"] = "none"
        return response
    about = generation()
    folder = Generations(current_site().config.store).dumps(about.number)
    # It is made to its end, also where whoever asked for it leaves.
    kept = kept_files.get(
        folder, name, _reader(file, Asker(asker().client, budget=Budget(_LONGEST)))
    )
    if not kept.wait(_PATIENCE):
        response = _prepare(file, Response(begin(kept.follow())))
        response.set_etag(kept.tag)
        response.last_modified = about.published
        response.headers["Accept-Ranges"] = "bytes"
        return answer_file(response)
    sent = send_file(
        # A store may be named from where the server was started; Flask means its own folder.
        kept.path.absolute(),
        # Named, else a compressed file would be told as a compressed answer.
        mimetype=file.media_type,
        etag=kept.tag,
        conditional=True,
        last_modified=about.published,
    )
    return answer_file(_prepare(file, sent))


def _has_room(file: DumpFile, most: int) -> bool:
    """Return whether a dump is kept that is made."""
    triples = file.dump.triples or sum(dataset().graphs().values())
    return triples * (_COMPRESSED if file.compression else _PLAIN) < most


def _prepare(file: DumpFile, response: Response) -> Response:
    if response.status_code in {200, 206}:
        name = file.name.removeprefix(file.dump.name)
        response.content_type = file.content_type
        response.headers["Content-Disposition"] = (
            f'attachment; filename="{file.dump.name}-{generation().number}{name}"'
        )
    return response


def _reader(file: DumpFile, who: Asker) -> Callable[[], Iterator[bytes]]:
    """Return what reads a dump for ``who``, also when the request is over."""
    # Not through what adds other services: a dump is of what is here.
    here = current_site().database.view(who, generation())
    if file.dump.name == NANOPUBLICATIONS:
        publication = read_publication(dataset())
        return lambda: _compressed(file, _write_nanopublications(file, here, publication))
    return lambda: _compressed(file, _write(file, here))


def _compressed(file: DumpFile, chunks: Iterator[bytes]) -> Iterator[bytes]:
    if file.compression:
        # The file is compressed, whatever the client says it takes.
        return compress(chunks, COMPRESSIONS[file.compression][0])
    return chunks


def _write(file: DumpFile, state: Dataset) -> Iterator[bytes]:
    graph = file.dump.graph
    found = state.dump(graph or None, file.format, is_everything=not graph, names_graph=True)
    return found.chunks(file.format)


def _write_nanopublications(
    file: DumpFile, state: Dataset, publication: Publication
) -> Iterator[bytes]:
    found = read_nanopublications(state, list_things(state), publication)
    while batch := list(itertools.islice(found, _BATCH)):
        yield serialize([quad for _, quads in batch for quad in quads], file.format)
