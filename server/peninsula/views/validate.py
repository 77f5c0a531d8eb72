"""How is something validated at ``/validate`` without being stored?

RDF in any format, a form with files, or a SPARQL update come in; a report goes out, in the form
that the client wants, with status 200 whether the data conform or not. Parsing and judging happen
in processes of their own, with the limits of time and of memory that queries have.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any, Final

import pyoxigraph as ox
from flask import Blueprint, Response, jsonify, render_template, request

from peninsula.errors import (
    InvalidShapes,
    InvalidUpload,
    ParameterError,
    ProtocolError,
    QueryForbidden,
    StoreReadOnly,
    UnsupportedMediaType,
)
from peninsula.formats import GRAPH_FORMATS, HTML, PLAIN_JSON, RDF_EXTENSIONS, TURTLE, Format, find
from peninsula.graphstore import MULTIPART, read_body_format, read_boundary
from peninsula.knowledge import ONTOLOGY
from peninsula.negotiation import choose
from peninsula.payloads import refuse_hostile
from peninsula.protocol import (
    FORM,
    UPDATE,
    decode_body,
    parse_parameters,
    read_iri,
    read_media_type,
    read_timeout,
    refuse_repetition,
)
from peninsula.shacl.locating import Text, locate
from peninsula.shacl.rendering import RENDERINGS, REPORT_FORMATS, changes, details, place_of
from peninsula.shacl.report import ValidationReport, ValidationResult
from peninsula.submission import find_queries, split_file
from peninsula.uploads import Part, SpooledFile, split_multipart, spool
from peninsula.views.bodies import spool_folder
from peninsula.views.site import (
    accepted,
    asker,
    current_site,
    language,
    read_parameters,
    require_reading,
    wants_html,
)

blueprint = Blueprint("validate", __name__)

MODES: Final = ("graph", "alone")
_ONCE: Final = ("mode", "graph", "format", "timeout")
#: Media types that say nothing about the format of a part.
_UNTYPED: Final = ("", "text/plain", "application/octet-stream")
#: Texts up to this size are looked through for the lines of results, in this process.
_LOCATED: Final = 4 << 20
#: A form shows again what was typed, up to this size.
_SHOWN: Final = 200_000


@dataclass
class _Piece:
    """One file of RDF on its way in; ``shapes`` are pieces, too."""

    file: SpooledFile
    format: Format
    name: str = ""


@dataclass
class _Asked:
    """What is to be validated, and how."""

    mode: str | None = None
    graph: str | None = None
    update: str | None = None
    data: list[_Piece] = field(default_factory=list)
    shapes: list[_Piece] = field(default_factory=list)
    #: What a form is filled with again.
    typed: str = ""
    #: The format of typed data, by name.
    format: str | None = None


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
    with contextlib.ExitStack() as stack:
        folder = _folder()
        asked = _read(stack, folder)
        if "mode" in values:
            asked.mode = values["mode"]
        if "graph" in values:
            asked.graph = values["graph"]
        _check(asked)
        report = _judge(asked, stack, folder, timeout)
    return _answer(report, asked, format)


def _folder() -> Path:
    try:
        return spool_folder()
    except StoreReadOnly:
        return Path(tempfile.gettempdir())


def _new_file(stack: contextlib.ExitStack, folder: Path, suffix: str) -> Path:
    with tempfile.NamedTemporaryFile(
        dir=folder, prefix="work-", suffix=suffix, delete=False
    ) as file:
        path = Path(file.name)
    stack.callback(path.unlink, missing_ok=True)
    return path


# What comes in.


def _read(stack: contextlib.ExitStack, folder: Path) -> _Asked:
    config = current_site().config
    content_type = request.headers.get("Content-Type")
    media_type = read_media_type(content_type)
    limit = config.max_update_bytes
    body = stack.enter_context(
        spool(
            request.stream,
            encoding=request.headers.get("Content-Encoding"),
            # In a form, a byte may take three.
            max_bytes=3 * limit + 1024 if media_type == FORM else limit,
            max_decoded_bytes=3 * limit + 1024 if media_type == FORM else limit,
            deadline_seconds=config.upload_timeout,
            folder=folder,
            content_length=request.content_length,
        )
    )
    if not body.size:
        raise ProtocolError("There is nothing to validate: the body is empty.", "Send RDF.")
    if media_type == UPDATE:
        return _Asked(update=decode_body(body.path.read_bytes()))
    if media_type == FORM:
        return _read_form(body, stack, folder)
    if media_type == MULTIPART:
        parts = split_multipart(body, read_boundary(content_type), folder)
        for part in parts:
            stack.enter_context(part.file)
        return _read_parts(parts)
    try:
        return _Asked(data=[_Piece(body, read_body_format(content_type))])
    except UnsupportedMediaType as error:
        raise UnsupportedMediaType(
            error.message, f"{error.remedy[:-1]}, {UPDATE} or {MULTIPART}."
        ) from None


def _read_form(body: SpooledFile, stack: contextlib.ExitStack, folder: Path) -> _Asked:
    pairs = parse_parameters(body.path.read_bytes())
    refuse_repetition(pairs, ("data", "update", "shapes", *_ONCE))
    values = dict(pairs)
    asked = _Asked(values.get("mode") or None, values.get("graph") or None)
    asked.format = values.get("format") or None
    for name, into in (("data", asked.data), ("shapes", asked.shapes)):
        if text := values.get(name, "").strip():
            path = _new_file(stack, folder, ".rdf")
            path.write_text(values[name], encoding="utf-8")
            format = _named(asked.format) if name == "data" else TURTLE
            into.append(_Piece(SpooledFile(path, len(text)), format))
    asked.typed = values.get("data", "") or values.get("update", "")
    asked.update = values.get("update", "").strip() or None
    return asked


def _read_parts(parts: list[Part]) -> _Asked:
    fields: dict[str, str] = {}
    files: list[Part] = []
    for part in parts:
        if part.name in {"data", "shapes"}:
            files.append(part)
        elif part.name in {"mode", "graph", "format", "update"}:
            fields[part.name] = decode_body(part.file.path.read_bytes())
        else:
            raise ProtocolError(
                f"The form has a part “{part.name}”, which means nothing here.",
                "Name the parts data, shapes, update, mode, graph, format.",
            )
    asked = _Asked(fields.get("mode") or None, fields.get("graph") or None)
    asked.format = fields.get("format") or None
    asked.update = fields.get("update", "").strip() or None
    for part in files:
        if not part.filename and part.name == "data" and not part.content_type:
            asked.typed = decode_body(part.file.path.read_bytes())[:_SHOWN]
        if part.file.path.stat().st_size == 0 or (not part.filename and _is_blank(part)):
            continue
        into = asked.data if part.name == "data" else asked.shapes
        into.append(_Piece(part.file, _format_of(part, asked.format), part.filename))
    return asked


def _is_blank(part: Part) -> bool:
    return part.file.size < 1000 and not part.file.path.read_bytes().strip()


def _format_of(part: Part, name: str | None) -> Format:
    """Return the format of a part, by its type, the ending of its name, or ``name``."""
    if read_media_type(part.content_type) not in _UNTYPED:
        return read_body_format(part.content_type)
    by_ending = RDF_EXTENSIONS.get(PurePosixPath(part.filename).suffix.lower())
    return by_ending or _named(name if part.name == "data" else None)


def _named(name: str | None) -> Format:
    if not name:
        return TURTLE
    if found := find(name, GRAPH_FORMATS):
        return found
    raise ParameterError(
        f"There is no RDF format “{name}”.",
        f"There are {', '.join(f.name for f in GRAPH_FORMATS)}.",
        parameter="format",
    )


def _check(asked: _Asked) -> None:
    """Refuse what does not go together."""
    asked.mode = asked.mode or ("alone" if asked.shapes else "graph")
    if asked.mode not in MODES:
        raise ParameterError(
            f"mode: “{asked.mode}” is none.", "Write graph, or alone.", parameter="mode"
        )
    if asked.graph is not None:
        asked.graph = read_iri("graph", asked.graph)
        if asked.graph == ONTOLOGY:
            raise QueryForbidden(
                "Data are judged by the ontology, and not as a part of it.",
                "Propose a change of ontology/, and try it with “peninsula check”.",
            )
    if not asked.data and not asked.update:
        raise ProtocolError(
            "There is nothing to validate.", "Send RDF as the body, or as the form field “data”."
        )
    if asked.data and asked.update:
        raise ProtocolError("Both data and an update are sent.", "Send them one after the other.")
    if asked.update and (asked.mode == "alone" or asked.graph):
        raise ProtocolError(
            "An update is judged as if it were executed; “alone” and “graph” do not go with it.",
            "Leave them out.",
        )
    if asked.shapes and asked.mode == "graph":
        raise ProtocolError(
            "Shapes of your own judge your data alone.", "Leave out mode=graph, or the shapes."
        )


# What is judged.


def _judge(
    asked: _Asked, stack: contextlib.ExitStack, folder: Path, timeout: float | None
) -> ValidationReport:
    database = current_site().database
    message: dict[str, Any] = {
        "mode": asked.mode, "graph": asked.graph, "only_graph": asked.graph, "path": None,
        "shapes": None, "update": None, "is_everything": False, "replaces": False,
        "agent": "", "summary": "validate",
    }  # fmt: skip
    findings: list[ValidationResult] = []
    if asked.update:
        facts = database.check_update(asked.update)
        if facts.loads:
            raise QueryForbidden(
                "An update with LOAD is not validated.", "Send what it would load as data."
            )
        message |= {
            "kind": "update", "text": asked.update, "update": asked.update,
            "base": request.base_url, "prefixes": None, "using_graphs": [],
            "using_named_graphs": [], "loads": {}, "load_errors": {},
        }  # fmt: skip
    else:
        whole = _new_file(stack, folder, ".nq")
        count, has_graphs = _parse(asked.data, whole, stack, folder, timeout)
        if not count:
            raise InvalidUpload("There is nothing to validate: the data hold no statement.")
        if has_graphs and asked.graph:
            raise ProtocolError(
                "The data name graphs of their own, and “graph” names another.",
                "Leave one of them out.",
            )
        apart = _new_file(stack, folder, ".nq")
        count, findings = split_file(whole, apart)
        message |= {"kind": "put", "path": str(apart), "is_everything": has_graphs}
        if not count:
            return ValidationReport((), "").including(findings)
    if asked.shapes:
        message["shapes"] = str(_read_shapes(asked.shapes, stack, folder, timeout))
    try:
        told = database.judge(message, asker(timeout))
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
    return locate(report, list(_texts(asked)))


def _parse(
    pieces: list[_Piece],
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
            part = _new_file(stack, folder, ".nq")
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
    pieces: list[_Piece], stack: contextlib.ExitStack, folder: Path, timeout: float | None
) -> Path:
    """Return a Turtle file with the shapes of a user; raises QueryForbidden for a query in them.

    It would be evaluated by rdflib, where no policy holds: it could fetch what it likes.
    """
    if sum(piece.file.path.stat().st_size for piece in pieces) > (
        limit := current_site().config.max_query_bytes
    ):
        raise ProtocolError(f"The shapes are longer than {limit} bytes.", "Send fewer shapes.")
    path = _new_file(stack, folder, ".nq")
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
    target = _new_file(stack, folder, ".ttl")
    # N-Triples are Turtle.
    ox.serialize(triples, str(target), ox.RdfFormat.N_TRIPLES)
    return target


def _texts(asked: _Asked) -> Iterator[Text]:
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


def _answer(report: ValidationReport, asked: _Asked, format: Format) -> Response:
    if format is HTML:
        limit = current_site().config.table_rows
        shown = replace(report, results=report.results[:limit])
        response = Response(_page(shown, asked, report), content_type=HTML.content_type)
    else:
        text = RENDERINGS[format.name](report)
        response = Response(text, content_type=format.content_type)
    response.headers["Cache-Control"] = "no-store"
    return response


def _describe() -> Response:
    """Return the page with the form, or for programs what this address takes and gives."""
    if wants_html(PLAIN_JSON):
        return Response(_page(None, _Asked(), None), content_type=HTML.content_type)
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
                "format": "short name of the format of data sent as text; default: turtle",
                "shapes": "shapes to judge by instead, of SHACL Core; mode is alone then",
                "update": "a SPARQL update, judged as if it were executed",
                "mode": "as above",
                "graph": "as above",
            },
            "max_bytes": config.max_update_bytes,
        }
    )


def _page(shown: ValidationReport | None, asked: _Asked, report: ValidationReport | None) -> str:
    return render_template(
        "validate.html",
        language=language(),
        report=report,
        shown=shown,
        asked=asked,
        typed=asked.typed if len(asked.typed) <= _SHOWN else "",
        formats=GRAPH_FORMATS,
        answers=[f for f in REPORT_FORMATS if f is not HTML],
        place_of=place_of,
        details=details,
        changes=changes,
    )
