"""What is sent to be validated: data, shapes or an update, in which format, and how to judge them?

It comes as RDF, as an update, as a form of the page or of somebody's program. What a form does
not say of the format is told from the name of a file, or from the text.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final

from flask import request

from peninsula.errors import (
    ParameterError,
    ProtocolError,
    QueryForbidden,
    StoreReadOnly,
    UnsupportedMediaType,
)
from peninsula.formats import GRAPH_FORMATS, RDF_EXTENSIONS, TURTLE, Format, find
from peninsula.graphstore import MULTIPART, read_body_format, read_boundary
from peninsula.knowledge import ONTOLOGY
from peninsula.protocol import (
    FORM,
    UPDATE,
    decode_body,
    parse_parameters,
    read_iri,
    read_media_type,
    refuse_repetition,
)
from peninsula.recognition import UPDATE as SPARQL_UPDATE
from peninsula.recognition import recognize
from peninsula.terms import read_iri as read_name
from peninsula.uploads import Part, SpooledFile, split_multipart, spool
from peninsula.views.bodies import spool_folder
from peninsula.views.site import current_site

MODES: Final = ("graph", "alone")
#: Media types that say nothing about the format of a part.
_UNTYPED: Final = ("", "text/plain", "application/octet-stream")
#: The name of the format of a text whose format is to be recognised.
AUTO: Final = "auto"


@dataclass
class Piece:
    """One file of RDF on its way in; ``shapes`` are pieces, too."""

    file: SpooledFile
    format: Format
    name: str = ""


@dataclass
class Submission:
    """What is to be validated, and how."""

    mode: str | None = None
    graph: str | None = None
    update: str | None = None
    data: list[Piece] = field(default_factory=list)
    shapes: list[Piece] = field(default_factory=list)
    #: What the form of the page is filled with again, and the name of the file that it was.
    typed: str = ""
    name: str = ""
    #: The format of typed data, by name; ``auto`` for one that is to be recognised.
    format: str | None = None
    #: Whether the page's own form sent it: then a graph that does not fit is left out.
    is_page: bool = False
    #: Whether the questions of the library that would be answered otherwise are wanted.
    asks_questions: bool = False
    #: A mend to be made in the text first: an RDF Patch, or for an update another step.
    mend: str = ""
    #: Whether prefixes that are known here are to be declared in the text first.
    declares: bool = False


# Files on the way.


def open_folder() -> Path:
    """Return the folder for what comes in; another where the store takes nothing."""
    try:
        return spool_folder()
    except StoreReadOnly:
        return Path(tempfile.gettempdir())


def new_file(stack: contextlib.ExitStack, folder: Path, suffix: str) -> Path:
    """Return a new file, which is gone when ``stack`` ends."""
    with tempfile.NamedTemporaryFile(
        dir=folder, prefix="work-", suffix=suffix, delete=False
    ) as file:
        path = Path(file.name)
    stack.callback(path.unlink, missing_ok=True)
    return path


# Reading.


def read_submission(asked: Submission, stack: contextlib.ExitStack, folder: Path) -> None:
    """Read what was sent into ``asked``, which keeps as much as was read before an error."""
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
        asked.update = decode_body(body.path.read_bytes())
        return
    if media_type == FORM:
        _read_form(asked, body, stack, folder)
        return
    if media_type == MULTIPART:
        parts = split_multipart(body, read_boundary(content_type), folder)
        for part in parts:
            stack.enter_context(part.file)
        _read_parts(asked, parts)
        return
    try:
        asked.data.append(Piece(body, read_body_format(content_type)))
    except UnsupportedMediaType as error:
        raise UnsupportedMediaType(
            error.message, f"{error.remedy[:-1]}, {UPDATE} or {MULTIPART}."
        ) from None


#: Fields of a form that hold one value each.
_FIELDS: Final = (
    "mode", "graph", "format", "update", "name", "page", "questions", "mend", "declare",
)  # fmt: skip


def _take_fields(asked: Submission, fields: Mapping[str, str]) -> None:
    asked.mode = fields.get("mode") or None
    asked.graph = fields.get("graph", "").strip() or None
    asked.format = fields.get("format") or None
    asked.update = fields.get("update", "").strip() or None
    asked.name = fields.get("name", "").strip()
    asked.is_page = "page" in fields
    asked.asks_questions = "questions" in fields
    asked.mend = fields.get("mend", "")
    asked.declares = "declare" in fields


def _read_form(
    asked: Submission, body: SpooledFile, stack: contextlib.ExitStack, folder: Path
) -> None:
    pairs = parse_parameters(body.path.read_bytes())
    refuse_repetition(pairs, ("data", "shapes", *_FIELDS, "timeout"))
    values = dict(pairs)
    _take_fields(asked, values)
    asked.typed = values.get("data", "") or values.get("update", "")
    for name, into in (("data", asked.data), ("shapes", asked.shapes)):
        if values.get(name, "").strip():
            piece = write_piece(values[name], stack, folder)
            if name == "data":
                _take_data(asked, piece, "")
            else:
                into.append(piece)


def write_piece(text: str, stack: contextlib.ExitStack, folder: Path) -> Piece:
    """Return a text as a file on its way in."""
    path = new_file(stack, folder, ".rdf")
    path.write_text(text, encoding="utf-8", newline="")
    return Piece(SpooledFile(path, path.stat().st_size), TURTLE)


def _read_parts(asked: Submission, parts: list[Part]) -> None:
    fields: dict[str, str] = {}
    files: list[Part] = []
    for part in parts:
        if part.name in {"data", "shapes"}:
            files.append(part)
        elif part.name in _FIELDS:
            fields[part.name] = decode_body(part.file.path.read_bytes())
        else:
            raise ProtocolError(
                f"The form has a part “{part.name}”, which means nothing here.",
                "Name the parts data, shapes, update, mode, graph, format.",
            )
    _take_fields(asked, fields)
    for part in files:
        if not part.filename and part.name == "data" and not part.content_type:
            asked.typed = decode_body(part.file.path.read_bytes())
    for part in files:
        if part.file.path.stat().st_size == 0 or (not part.filename and _is_blank(part)):
            continue
        piece = Piece(part.file, TURTLE, part.filename)
        if part.name == "shapes":
            piece.format = _format_of(part, None)
            asked.shapes.append(piece)
        else:
            _take_data(asked, piece, part.content_type)


def _take_data(asked: Submission, piece: Piece, content_type: str | None) -> None:
    """Add a piece of data, or what turns out to be an update."""
    is_typed = not piece.name
    piece.name = piece.name or asked.name
    media_type = read_media_type(content_type)
    by_ending = RDF_EXTENSIONS.get(PurePosixPath(piece.name).suffix.lower())
    if media_type not in _UNTYPED and not asked.is_page:
        piece.format = read_body_format(content_type)
    elif asked.format in {AUTO, SPARQL_UPDATE} or (asked.is_page and not is_typed):
        text = text_of(piece)
        guess = asked.format if asked.format == SPARQL_UPDATE else recognize(text, piece.name)
        if guess == SPARQL_UPDATE:
            if asked.update or asked.data:
                raise ProtocolError(
                    "Both data and an update are sent.", "Send them one after the other."
                )
            asked.update = asked.typed = text
            return
        piece.format = _named(guess)
    elif by_ending and not is_typed:
        piece.format = by_ending
    else:
        piece.format = _named(asked.format)
    asked.data.append(piece)


def text_of(piece: Piece) -> str:
    """Return what the file holds, as text."""
    return piece.file.path.read_bytes().decode("utf-8-sig", "replace")


def _is_blank(part: Part) -> bool:
    return part.file.size < 1000 and not part.file.path.read_bytes().strip()


def _format_of(part: Part, name: str | None) -> Format:
    """Return the format of a part, by its type, the ending of its name, or ``name``."""
    if read_media_type(part.content_type) not in _UNTYPED:
        return read_body_format(part.content_type)
    by_ending = RDF_EXTENSIONS.get(PurePosixPath(part.filename).suffix.lower())
    return by_ending or _named(name)


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


def check_submission(asked: Submission) -> None:
    """Refuse what does not go together."""
    if asked.is_page:
        _overlook(asked)
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


def _overlook(asked: Submission) -> None:
    """Leave out what the form sends though it does not go with the rest."""
    if asked.update:
        asked.mode = asked.graph = None
    if asked.shapes:
        asked.mode, asked.graph = "alone", None
    if asked.graph:
        with contextlib.suppress(ValueError):
            asked.graph = read_name(asked.graph).value
