"""How is the SPARQL 1.1 Update Protocol spoken at ``/update``?"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urljoin

from flask import Blueprint, Response, g, request

from peninsula.errors import PeninsulaError, ProtocolError, QueryForbidden, to_message
from peninsula.fetching import fetch
from peninsula.logs import hash_query
from peninsula.payloads import refuse_hostile
from peninsula.protocol import check_dataset, read_update
from peninsula.views.bodies import read_body, spooled
from peninsula.views.changes import change
from peninsula.views.site import asker, current_site, endpoint, identify, read_parameters

blueprint = Blueprint("update", __name__)


@blueprint.route("/update", methods=["GET", "POST", "PUT", "PATCH", "DELETE", "QUERY"])
def update() -> Response:
    """Make an update."""
    site = current_site()
    identity = identify("write")
    is_post = request.method == "POST"
    asked = read_update(
        request.method,
        read_parameters(),
        request.headers.get("Content-Type"),
        # In a form, a byte may take three.
        read_body(3 * site.config.max_update_bytes + 1024) if is_post else b"",
    )
    g.query_hash = hash_query(asked.update)
    facts = site.database.check_update(asked.update)
    check_dataset(asked, names_dataset=facts.names_dataset)
    with fetched(facts.loads) as loads:
        return change(
            {
                "kind": "update",
                "text": asked.update,
                "base": endpoint(),
                "prefixes": None,
                "using_graphs": list(asked.using_graphs),
                "using_named_graphs": list(asked.using_named_graphs),
                "only_graph": None,
                **loads,
            },
            identity,
            "update",
            is_dry_run=asked.is_dry_run,
            format=asked.format,
            timeout=asked.timeout,
        )


@contextlib.contextmanager
def fetched(loads: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Fetch and parse what LOAD asks for, before the change's turn comes.

    Gives the parts of the message that tell the writer where it is, or why it is not.
    """
    hosts = current_site().config.allow_load
    with contextlib.ExitStack() as stack:
        paths: dict[str, str] = {}
        errors: dict[str, Any] = {}
        for text in dict.fromkeys(loads):
            if not text.startswith("<"):
                raise ProtocolError(
                    f"LOAD {text}: a prefixed name is not taken.", "Write the IRI in full."
                )
            iri = urljoin(endpoint(), text[1:-1])
            try:
                if not hosts:
                    raise QueryForbidden(
                        f"LOAD <{iri}> is not allowed here.",
                        "Send the data to /store; whoever runs the server can allow hosts: "
                        "--allow-load.",
                    )
                paths[iri] = _fetch(iri, stack)
            except PeninsulaError as error:
                # Whether it matters is the update's to say: LOAD SILENT passes over it.
                errors[iri] = to_message(error)
        yield {"loads": paths, "load_errors": errors}


def _fetch(iri: str, stack: contextlib.ExitStack) -> str:
    site = current_site()
    source = stack.enter_context(spooled())
    target = stack.enter_context(spooled(".nq"))
    found = fetch(
        iri,
        site.config.allow_load,
        source,
        max_bytes=site.config.max_upload_bytes,
        seconds=site.config.query_timeout,
        is_gone=asker().is_gone,
    )
    refuse_hostile(source, found.format.engine)  # type: ignore[arg-type]
    site.database.parse(source, found.format, found.address, target, asker())
    return str(target)
