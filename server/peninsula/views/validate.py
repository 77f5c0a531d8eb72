"""How is something validated at ``/validate`` without being stored?

RDF in any format, a form with files, or a SPARQL update come in; a report goes out, in the form
that the client wants, with status 200 whether the data conform or not. Parsing and judging happen
in processes of their own, with the limits of time and of memory that queries have.
"""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pyoxigraph as ox
from flask import Blueprint, Response, g, jsonify, request

from peninsula.dataset.delta import as_stored, read_patch
from peninsula.errors import (
    InvalidShapes,
    InvalidUpload,
    OperatorError,
    ParameterError,
    PeninsulaError,
    ProtocolError,
    QueryForbidden,
)
from peninsula.examples import EXAMPLES
from peninsula.formats import (
    GRAPH_FORMATS,
    HTML,
    PLAIN_JSON,
    Format,
)
from peninsula.graphstore import MULTIPART
from peninsula.namespaces import shorten
from peninsula.negotiation import choose
from peninsula.payloads import refuse_hostile
from peninsula.protocol import (
    FORM,
    UPDATE,
    read_timeout,
    refuse_repetition,
)
from peninsula.recognition import UPDATE as SPARQL_UPDATE
from peninsula.serialization import used_prefixes
from peninsula.shacl.locating import Text, locate
from peninsula.shacl.rendering import RENDERINGS, REPORT_FORMATS
from peninsula.shacl.report import ValidationReport, ValidationResult
from peninsula.shacl.rewriting import Statement, append_step, declare, rewrite
from peninsula.submission import find_queries, split_file
from peninsula.views.answers import answer
from peninsula.views.site import (
    accepted,
    asker,
    current_site,
    read_parameters,
    require_reading,
    wants_html,
)
from peninsula.views.submissions import (
    AUTO,
    Piece,
    Submission,
    check_submission,
    new_file,
    open_folder,
    read_submission,
    text_of,
    write_piece,
)
from peninsula.views.trials import Trial, render_trial

blueprint = Blueprint("validate", __name__)

_ONCE: Final = ("mode", "graph", "format", "timeout")
_BLANK: Final = re.compile(r"_:[A-Za-z0-9]+")
#: Texts up to this size are looked through for the lines of results, in this process.
_LOCATED: Final = 4 << 20
#: A form shows again what was typed, up to this size.
_SHOWN: Final = 200_000


@blueprint.route("/validate", methods=["GET", "POST"])
def validate() -> Response:
    """Validate what is sent; without anything sent, say how."""
    require_reading()
    if request.method != "POST":
        return _describe()
    pairs = read_parameters()
    refuse_repetition(pairs, _ONCE)
    values = dict(pairs)
    # An answer that cannot be written need not be worked out.
    format = choose(accepted(), REPORT_FORMATS, name=values.get("format"))
    timeout = read_timeout(values)
    asked = Submission()
    with contextlib.ExitStack() as stack:
        folder = open_folder()
        try:
            read_submission(asked, stack, folder)
            asked.mode = values.get("mode", asked.mode)
            asked.graph = values.get("graph", asked.graph)
            check_submission(asked)
            _prepare(asked, stack, folder, timeout)
            report, told = _judge(asked, stack, folder, timeout)
        except PeninsulaError as error:
            # Whoever typed something gets it back with what is wrong about it.
            if format is not HTML or not asked.is_page or isinstance(error, OperatorError):
                raise
            return _page(asked, problem=error)
        if format is HTML:
            return _page(asked, report, told)
    response = Response(RENDERINGS[format.name](report), content_type=format.content_type)
    if "download" in values:
        named = f'attachment; filename="report.{format.extension}"'
        response.headers["Content-Disposition"] = named
    response.headers["Cache-Control"] = "no-store"
    return response


# What is mended first.


def _prepare(
    asked: Submission, stack: contextlib.ExitStack, folder: Path, timeout: float | None
) -> None:
    """See to it that the page can show the text again, and make the mend that was asked for."""
    if not asked.is_page:
        return
    if asked.update:
        asked.typed = asked.update
        if asked.mend:
            asked.update = asked.typed = append_step(asked.update, asked.mend)
        return
    if len(asked.data) != 1 or asked.data[0].file.path.stat().st_size > _SHOWN:
        if len(asked.data) != 1:
            # Several files: there is no one text to show.
            asked.typed = asked.name = ""
        return
    (piece,) = asked.data
    text = text_of(piece)
    if asked.declares:
        text = declare(text)
    if asked.mend:
        text = _mend(text, piece.format, asked.mend, stack, folder, timeout)
    asked.typed, asked.name = text, piece.name
    if asked.declares or asked.mend:
        asked.data = [
            replace(write_piece(text, stack, folder), format=piece.format, name=piece.name)
        ]


def _mend(
    text: str,
    format: Format,
    patch: str,
    stack: contextlib.ExitStack,
    folder: Path,
    timeout: float | None,
) -> str:
    """Return ``text`` with a mend made in it, as its author wrote it where that can be done."""
    if len(patch) > _SHOWN:
        raise InvalidUpload("The mend is too long.")
    delta = read_patch(patch.encode()).net()

    def placed(quads: Iterable[ox.Quad]) -> set[ox.Quad]:
        """Return quads where the text has them: most texts name no graphs."""
        if has_graphs:
            return set(quads)
        return {ox.Quad(q.subject, q.predicate, q.object) for q in quads}

    def read(content: str) -> set[ox.Quad]:
        path = new_file(stack, folder, ".nq")
        _parse([replace(write_piece(content, stack, folder), format=format)], path, stack, folder,
               timeout)  # fmt: skip
        return set(as_stored(ox.parse(path=str(path), format=ox.RdfFormat.N_QUADS)))

    before = read(text)
    has_graphs = any(not isinstance(quad.graph_name, ox.DefaultGraph) for quad in before)
    removed, added = placed(delta.removed), placed(delta.added)
    if not removed <= before:
        raise InvalidUpload(
            "The text no longer holds what this mend would alter.", "Validate it again."
        )
    wanted = (before - removed) | added
    found = rewrite(
        text, format.name, list(map(Statement.of, removed)), list(map(Statement.of, added)),
        request.base_url,
    )  # fmt: skip
    if found is not None:
        with contextlib.suppress(InvalidUpload):
            if _alike(read(found)) == _alike(wanted):
                return found
    # It cannot be altered in place: then it is written anew, with nothing lost but its form.
    assert isinstance(format.engine, ox.RdfFormat)
    ordered = sorted(wanted, key=str)
    written = ox.serialize(
        ordered if has_graphs else [quad.triple for quad in ordered],
        format=format.engine,
        prefixes=used_prefixes(ordered),
    )
    return (written or b"").decode()


def _alike(quads: Iterable[ox.Quad]) -> Counter[str]:
    """Return quads by what they say, whatever blank nodes are called."""
    return Counter(_BLANK.sub("_:", str(quad)) for quad in quads)


# What is judged.


def _judge(
    asked: Submission, stack: contextlib.ExitStack, folder: Path, timeout: float | None
) -> tuple[ValidationReport, Mapping[str, Any]]:
    """Return the report, and what else was found out: what would change, and be answered so."""
    findings: list[ValidationResult] = []
    change: dict[str, Any] | None
    if asked.update:
        change = _as_update(asked.update)
    else:
        change, findings = _as_data(asked, stack, folder, timeout)
    if change is None:
        return locate(ValidationReport((), "").including(findings), list(_texts(asked))), {}
    message = {
        "mode": asked.mode, "graph": asked.graph, "only_graph": asked.graph, "path": None,
        "shapes": None, "update": None, "is_everything": False, "replaces": False,
        "agent": "", "summary": "validate", "asks_questions": asked.asks_questions, **change,
    }  # fmt: skip
    if asked.shapes:
        message["shapes"] = str(_read_shapes(asked.shapes, stack, folder, timeout))
    try:
        told = current_site().database.judge(message, asker(timeout))
    except InvalidShapes as error:
        if not asked.shapes:
            raise
        raise InvalidUpload(error.message, "Mend the shapes.") from None
    if not told:
        raise ProtocolError(
            "This server has no shapes: it does not serve the shipped graph.",
            "Send shapes with the data.",
        )
    report = ValidationReport.from_json(told).including(findings)
    return locate(report, list(_texts(asked))), told


def _as_update(text: str) -> dict[str, Any]:
    facts = current_site().database.check_update(text)
    if facts.loads:
        raise QueryForbidden(
            "An update with LOAD is not validated.", "Send what it would load as data."
        )
    return {
        "kind": "update", "text": text, "update": text, "base": request.base_url,
        "prefixes": None, "using_graphs": [], "using_named_graphs": [], "loads": {},
        "load_errors": {},
    }  # fmt: skip


def _as_data(
    asked: Submission, stack: contextlib.ExitStack, folder: Path, timeout: float | None
) -> tuple[dict[str, Any] | None, list[ValidationResult]]:
    """Return the data as a change, None where nothing of them may be judged; and why not."""
    whole, apart = new_file(stack, folder, ".nq"), new_file(stack, folder, ".nq")
    count, has_graphs = _parse(asked.data, whole, stack, folder, timeout)
    if not count:
        raise InvalidUpload("There is nothing to validate: the data hold no statement.")
    if has_graphs and asked.graph:
        if not asked.is_page:
            raise ProtocolError(
                "The data name graphs of their own, and “graph” names another.",
                "Leave one of them out.",
            )
        asked.graph = None
    count, findings = split_file(whole, apart)
    change = {"kind": "put", "path": str(apart), "is_everything": has_graphs}
    return change if count else None, findings


def _parse(
    pieces: list[Piece],
    target: Path,
    stack: contextlib.ExitStack,
    folder: Path,
    timeout: float | None,
) -> tuple[int, bool]:
    """Write the statements of all ``pieces`` to ``target``, as N-Quads."""
    total, has_any_graphs = 0, False
    with target.open("ab") as whole:
        for piece in pieces:
            assert isinstance(piece.format.engine, ox.RdfFormat)
            refuse_hostile(piece.file.path, piece.format.engine)
            part = new_file(stack, folder, ".nq")
            try:
                count, has_graphs = current_site().database.parse(
                    piece.file.path, piece.format, request.base_url, part, asker(timeout)
                )
            except InvalidUpload as error:
                if len(pieces) == 1 or not piece.name:
                    raise
                raise InvalidUpload(
                    f"{piece.name}: {error.message}",
                    error.remedy,
                    line=error.line,
                    column=error.column,
                ) from None
            total, has_any_graphs = total + count, has_any_graphs or has_graphs
            with part.open("rb") as source:
                while chunk := source.read(1 << 20):
                    whole.write(chunk)
    return total, has_any_graphs


def _read_shapes(
    pieces: list[Piece], stack: contextlib.ExitStack, folder: Path, timeout: float | None
) -> Path:
    """Return a Turtle file with the shapes of a user; raises QueryForbidden for a query in them.

    It would be evaluated by rdflib, where no policy holds: it could fetch what it likes.
    """
    if sum(piece.file.path.stat().st_size for piece in pieces) > (
        limit := current_site().config.max_query_bytes
    ):
        raise ProtocolError(f"The shapes are longer than {limit} bytes.", "Send fewer shapes.")
    path = new_file(stack, folder, ".nq")
    count, has_graphs = _parse(pieces, path, stack, folder, timeout)
    if not count or has_graphs:
        raise InvalidUpload("The shapes hold no statement, or graphs of their own.")
    quads = list(ox.parse(path=str(path), format=ox.RdfFormat.N_QUADS))
    found = next(find_queries(quads), None)
    if found:
        raise QueryForbidden(
            f"Shapes of yours may hold no queries and no scripts, and these have {found}.",
            "A query in a shape would run outside of this server's limits. Use the parts of SHACL "
            "Core, or validate on your own machine: peninsula validate --shapes FILE.",
        )
    triples = [ox.Triple(quad.subject, quad.predicate, quad.object) for quad in quads]
    target = new_file(stack, folder, ".ttl")
    # N-Triples are Turtle.
    ox.serialize(triples, str(target), ox.RdfFormat.N_TRIPLES)
    return target


def _texts(asked: Submission) -> Iterator[Text]:
    """Yield what was sent, to find lines in, as far as it is not too long."""
    room = _LOCATED
    if asked.update and len(asked.update) <= room:
        yield Text("", asked.update, "update", request.base_url)
    for piece in asked.data:
        room -= piece.file.path.stat().st_size
        if room < 0:
            return
        content = piece.file.path.read_bytes().decode("utf-8", "replace")
        yield Text(piece.name, content, piece.format.name, request.base_url)


# What goes out.


def _describe() -> Response:
    """Return the page with the form, or for programs what this address takes and gives."""
    if wants_html(PLAIN_JSON):
        return answer(_empty_page)
    config = current_site().config
    media_types = [format.media_type for format in GRAPH_FORMATS]
    return jsonify(
        {
            "title": "Validation: would these statements conform? Nothing is stored.",
            "method": "POST",
            "accepts": [*media_types, UPDATE, MULTIPART, FORM],
            "answers": {format.name: format.media_type for format in REPORT_FORMATS},
            "parameters": {
                "mode": "graph: as if added to the graph (default); alone: by themselves",
                "graph": "IRI of the named graph that the statements would go to",
                "format": "short name of the answer's format, beside Accept",
                "timeout": "seconds",
            },
            "form": {
                "data": "RDF, once or several times, as files or text",
                "format": "short name of the format of data sent as text, “update” for an update, "
                "“auto” to have it recognised; default: turtle",
                "shapes": "shapes to judge by instead, of SHACL Core; mode is alone then",
                "update": "a SPARQL update, judged as if it were executed",
                "mode": "as above",
                "graph": "as above",
            },
            "max_bytes": config.max_update_bytes,
        }
    )


def _empty_page() -> Response:
    name = request.args.get("example", "")
    if name and name not in EXAMPLES:
        raise ParameterError(
            f"There is no example “{name}”.", f"There are {', '.join(EXAMPLES)}.",
            parameter="example",
        )  # fmt: skip
    return Response(
        render_trial(Trial(typed=EXAMPLES.get(name, ""), format=AUTO)),
        content_type=HTML.content_type,
    )


def _page(
    asked: Submission,
    report: ValidationReport | None = None,
    told: Mapping[str, Any] | None = None,
    problem: PeninsulaError | None = None,
) -> Response:
    is_one = bool(asked.update) or len(asked.data) == 1
    is_shown = is_one and bool(asked.typed) and len(asked.typed) <= _SHOWN
    format = UPDATE if asked.update else asked.data[0].format.media_type if asked.data else ""
    trial = Trial(
        typed=asked.typed if len(asked.typed) <= _SHOWN else "",
        name=asked.name,
        format=asked.format or AUTO,
        mode=asked.mode or "graph",
        graph=shorten(asked.graph or ""),
        asks_questions=asked.asks_questions,
        is_shown=is_shown,
        is_update=bool(asked.update),
        read_as=SPARQL_UPDATE if asked.update else asked.data[0].format.name if asked.data else "",
        media_type=format,
        texts=tuple(_texts(asked)) if asked.data or asked.update else (),
        has_mended=bool(asked.mend or asked.declares) and problem is None,
    )
    page = render_trial(trial, report, told or {}, problem)
    status = problem.status if problem else 200
    response = Response(page, status, content_type=HTML.content_type)
    if problem:
        g.error = problem
        response.headers.update(problem.headers())
    response.headers["Cache-Control"] = "no-store"
    return response
