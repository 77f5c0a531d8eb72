"""What does every view need: who asks, what state of the dataset is asked, and in which form?"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Final, cast
from urllib.parse import quote, urlencode

import pyoxigraph as ox
from flask import Response, current_app, g, has_request_context, render_template, request

from peninsula.assets import Assets
from peninsula.caching import AnswerCache, choose_memento, parse_accept_datetime
from peninsula.config import Config
from peninsula.dataset.budgets import Budget
from peninsula.dataset.generations import Generation, format_instant
from peninsula.dataset.interface import (
    Asker,
    Database,
    Dataset,
    Result,
    formats_for,
    kind_of,
)
from peninsula.errors import Forbidden, NotAcceptable, PeninsulaError, Unauthorized
from peninsula.fairness import tell_client
from peninsula.federation.asking import Patience
from peninsula.federation.calls import Call
from peninsula.federation.dataset import FederatedDataset
from peninsula.federation.evaluation import Federation
from peninsula.federation.gateway import Gateway
from peninsula.federation.services import Services
from peninsula.federation.targets import asks_others
from peninsula.formats import GRAPH_FORMATS, HTML, SOLUTION_FORMATS, TABLE_FORMATS, Format
from peninsula.keeping import KeptFiles
from peninsula.knowledge import CATALOG, Knowledge
from peninsula.labels import LANGUAGES
from peninsula.library import Library
from peninsula.metrics import Metrics
from peninsula.namespaces import BASE
from peninsula.negotiation import choose
from peninsula.protocol import parse_parameters, read_generation, read_services, read_timeout
from peninsula.serialization import write_to_bytes
from peninsula.tokens import Identity, Tokens

EXTENSION: Final = "peninsula"
#: How many times the limit of one query all of those of a request may take.
_SHARE: Final = 1.5
#: Holds the language that a reader has chosen, and nothing else is ever in a cookie.
LANGUAGE_COOKIE: Final = "lang"


@dataclass(frozen=True)
class Site:
    """What the application was made with."""

    config: Config
    database: Database
    #: None where the shipped graph is not served.
    knowledge: Knowledge | None
    library: Library
    tokens: Tokens
    metrics: Metrics
    cache: AnswerCache
    assets: Assets
    #: Which services of others may be asked, and the way to them.
    services: Services
    gateway: Gateway
    #: What queries may ask besides the dataset; None: nothing.
    federation: Federation | None = None
    #: Dumps that were made.
    kept_files: KeptFiles = field(default_factory=lambda: KeptFiles(0))


def current_site() -> Site:
    """Return what the application was made with."""
    return cast(Site, current_app.extensions[EXTENSION])


# Who asks.


def identify(role: str) -> Identity:
    """Return who asks, if they may do what ``role`` may; raises Unauthorized, Forbidden."""
    identity = current_site().tokens.authorize(request.headers.get("Authorization"), role)
    g.identity = identity
    return identity


def require_reading() -> None:
    """Raise Unauthorized where reading needs a token and none, or a wrong one, is sent."""
    if current_site().config.read_token:
        identify("read")


def may_read() -> bool:
    """Return whether this request may read the graph."""
    try:
        require_reading()
    except (Unauthorized, Forbidden):
        return False
    return True


def asker(timeout: float | None = None) -> Asker:
    """Return who asks, for the queue of queries."""
    return Asker(
        client=tell_client(request.remote_addr or ""),
        timeout=timeout,
        is_gone=request.environ.get("waitress.client_disconnected"),
        hang_up=request.environ.get("peninsula.hang_up"),
        has_begun=request.environ.get("peninsula.has_begun"),
    )


def accepted() -> str | None:
    """Return the Accept header."""
    return request.headers.get("Accept")


def language() -> str:
    """Return the language in which the reader wants labels and words.

    That of the address, else the one chosen before, else what the browser says.
    """
    if "language" not in g:
        wishes = (request.args.get("lang", ""), request.cookies.get(LANGUAGE_COOKIE, ""))
        g.language = next((wished for wished in wishes if wished in LANGUAGES), "") or (
            request.accept_languages.best_match(LANGUAGES) or "en"
        )
    return cast(str, g.language)


# What is asked.


def read_parameters() -> list[tuple[str, str]]:
    """Return the parameters of the address, in their order; refuses what is not UTF-8."""
    return parse_parameters(request.query_string)


def generation(number: int | None = None) -> Generation:
    """Return the state that this request asks about; ``number`` where its body says it.

    That is ``?generation=``, the one of ``Accept-Datetime`` (RFC 7089), or the published one.
    Raises UnknownGeneration, ProtocolError.
    """
    if "generation" in g:
        return cast(Generation, g.generation)
    database = current_site().database
    number = number or read_generation(request.args.to_dict())
    wished = request.headers.get("Accept-Datetime")
    if number is not None:
        g.generation = database.find(number)
        g.is_memento = True
    elif wished is not None:
        known = [(other.number, other.published) for other in database.all()]
        g.generation = database.find(choose_memento(parse_accept_datetime(wished), known))
        g.is_memento = True
    else:
        g.generation = database.current
        g.is_memento = False
    return cast(Generation, g.generation)


def dataset(timeout: float | None = None, services: str | None = None) -> Dataset:
    """Return the state that this request asks about, as its asker sees it.

    ``services`` says who is asked where a query names a service: it (“live”), what is kept of it
    (“snapshot”), or that where it does not answer (“fallback”); default: what the address says.
    """
    if timeout is None:
        timeout = read_timeout(request.args.to_dict())
    site, state = current_site(), generation()
    longest = site.config.query_timeout
    if "budget" not in g:
        # However many queries a request makes, together they take little longer than one may:
        # of an answer that was in time, the names must be found, too.
        g.budget = Budget(_SHARE * min(timeout or longest, longest))
    who = replace(asker(timeout), budget=g.budget)
    view = site.database.view(who, state)
    if site.federation is None:
        return view
    patience = Patience(
        min(timeout or longest, longest),
        who.is_gone,
        lambda left: site.database.view(replace(who, timeout=left), state),
        who.client,
    )
    mode = services or read_services(request.args.to_dict())
    return FederatedDataset(view, site.federation, patience=patience, mode=mode, note=_note_calls)


def is_ours(query: str, services: str | None = None) -> bool:
    """Return whether the answer to a query is of one state of the dataset, whatever others say.

    ``services`` is that of :func:`dataset`.
    """
    federation = current_site().federation
    mode = services or read_services(request.args.to_dict())
    return federation is None or not asks_others(
        query, federation.local, mode=mode, base=endpoint()
    )


def _note_calls(calls: list[Call]) -> None:
    g.setdefault("calls", []).extend(calls)


def calls() -> list[Call]:
    """Return what the services of this request's queries were asked."""
    return cast("list[Call]", g.get("calls", []))


# In which form.


def wants_html(*others: Format) -> bool:
    """Whether the client would rather have a page than any of ``others``."""
    try:
        return choose(accepted(), (*others, HTML), name=request.args.get("format")) is HTML
    except NotAcceptable:
        return False


def wishes(accept: str | None, name: str | None) -> Mapping[str, Format | None]:
    """Return the format wanted for each kind of answer; None for a page, or for none on offer."""
    is_usual = len(accept or "") + len(name or "") < _LONGEST_WISH
    return _known_wishes(accept, name) if is_usual else _find_wishes(accept, name)


def _find_wishes(accept: str | None, name: str | None) -> Mapping[str, Format | None]:
    def wish(offered: tuple[Format, ...]) -> Format | None:
        try:
            format = choose(accept, (*offered, HTML), name=name)
        except NotAcceptable:
            return None
        return None if format is HTML else format

    return {
        "solutions": wish(TABLE_FORMATS),
        "boolean": wish(SOLUTION_FORMATS),
        "graph": wish(GRAPH_FORMATS),
    }


#: Longer headers are nobody's that comes again.
_LONGEST_WISH: Final = 1000
_known_wishes: Final = lru_cache(1024)(_find_wishes)


def respond(
    evaluate: Callable[[Mapping[str, Format | None]], Result],
    name: str | None,
    page: Callable[[Result], str],
    query: str = "",
) -> Response:
    """Return the answer of ``evaluate``, which asks ``query``, in the format the client wants.

    An answer streams as it is evaluated; a page is rendered from a table of limited length.
    An error before the first byte is raised here, so that a real status can be sent.
    """
    accept = accepted()
    wanted = wishes(accept, name)
    result = evaluate(wanted)
    try:
        format = wanted[kind_of(result)]
        if format is None:
            format = choose(accept, formats_for(result, html=True), name=name)
        if format is HTML:
            return Response(page(result), content_type=HTML.content_type)
        if format.is_binary:
            format = format.noted(tell_provenance(query))
        body = begin(result.chunks(format))
    except BaseException:
        result.close()
        raise
    g.running = getattr(result, "running", None)
    return Response(body, content_type=format.content_type)


def tell_provenance(query: str = "") -> dict[str, str]:
    """Return what a file says of where it comes from: the same for the same state, always."""
    state = generation()
    notes = {
        "dcterms:source": permalink(),
        "dcterms:issued": format_instant(state.published),
        "peninsula:generation": str(state.number),
    }
    if licence := find_licence():
        notes["dcterms:license"] = licence
    if query:
        notes["peninsula:query"] = query
    return notes


def find_licence() -> str:
    """Return the licence of the shipped graph; nothing where another one is served."""
    knowledge = current_site().knowledge
    sources = knowledge.sources if knowledge else ()
    return next((source.licence for source in sources if source.graph == CATALOG), "")


#: The engine writes in pieces of 8 KiB; a shorter first one is the whole answer.
_PIECE: Final = 8000


def begin(chunks: Iterator[bytes]) -> bytes | Iterator[bytes]:
    """Return a small answer whole, else the chunks, of which the first is there already."""
    gathered = b""
    for chunk in chunks:
        gathered += chunk
        if len(gathered) >= _PIECE:
            return _Chunks(gathered, chunks)
    return gathered


class _Chunks:
    """The chunks of an answer; closing it before the end closes their source."""

    def __init__(self, first: bytes, rest: Iterator[bytes]) -> None:
        self._first: bytes | None = first
        self._rest = rest

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._first is not None:
            first, self._first = self._first, None
            return first
        return next(self._rest)

    def close(self) -> None:
        """End the evaluation."""
        close: Callable[[], None] | None = getattr(self._rest, "close", None)
        if close:
            close()


def respond_with_triples(triples: Iterable[ox.Triple], name: str | None = None) -> Response:
    """Return triples of the server's own in the RDF format that the client wants."""
    format = choose(accepted(), GRAPH_FORMATS, name=name)
    return Response(write_to_bytes(triples, format), content_type=format.content_type)


def render(template: str, **values: Any) -> str:
    """Return a page."""
    return render_template(
        template, language=language(), state=_state(), permalink=permalink(), **values
    )


def _state() -> Generation | None:
    """Return the state that the page is from, None on the page of an error that has none."""
    try:
        # Pages that ask nothing of the dataset stay in the state of their address as well.
        return generation()
    except PeninsulaError:
        pass
    try:
        return current_site().database.current
    except PeninsulaError:
        return None


def pinned() -> int | None:
    """Return the generation that the address asks for, None where it asks for the published one."""
    return g.generation.number if g.get("is_memento") and "generation" in request.args else None


def permalink() -> str:
    """Return the address that shows this page as it is now, whatever changes later."""
    state = _state()
    pairs = [pair for pair in request.args.items(multi=True) if pair[0] != "generation"]
    if state is not None:
        pairs.append(("generation", str(state.number)))
    return f"{request.host_url[:-1]}{quote(request.path)}?{urlencode(pairs)}"


def local_path(iri: str) -> str:
    """Return where this server shows ``iri``: its own page for ours, else the address itself.

    Somebody who looks at a past generation stays in it. An IRI of another scheme (javascript:,
    data:) is a name, and never an address: it leads to the search for it.
    """
    if not iri.startswith(("http://", "https://")):
        return f"/search?{urlencode({'q': iri})}"
    path = iri.removeprefix(BASE)
    # “//name” would be an address of another server.
    if path == iri or path.startswith("/"):
        return iri
    number = pinned() if has_request_context() else None
    before, hash_, fragment = path.partition("#")
    return f"/{before}{f'?generation={number}' if number else ''}{hash_}{fragment}"


_OWN_PATH: Final = re.compile(r"/(?!/)[^\\\x00-\x1f\x7f]*")


def own_path(text: str) -> str:
    """Return ``text`` where it is an address of this server to be led to, else the front page.

    Browsers leave out tabs and line breaks, and take a backslash for a slash: “/⇥/name” is another
    server.
    """
    return text if _OWN_PATH.fullmatch(text) else "/"


def link(path: str, **parameters: object) -> str:
    """Return an address of this server with ``parameters``; empty ones are left out.

    Somebody who looks at a past generation stays in it, unless ``generation`` says otherwise. A
    list is a parameter given several times.
    """
    pairs = {name: value for name, value in parameters.items() if value not in (None, "", [], ())}
    if "generation" not in parameters and (number := pinned()):
        pairs["generation"] = number
    return f"{path}?{urlencode(pairs, doseq=True)}" if pairs else path


def link_here(**changes: object) -> str:
    """Return the address of this page with some parameters changed; None or "" leaves one out."""
    kept = {
        name: filled
        for name, values in request.args.lists()
        if (filled := [v for v in values if v])
    }
    return link(request.path, **{**kept, **changes})


def endpoint() -> str:
    """Return the address of the SPARQL endpoint as the client reached it."""
    return f"{request.host_url}sparql"
