"""Reports, comparable: what pySHACL itself says of the whole, and what a report holds."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

import pyshacl
from pyshacl.rdfutil.stringify import stringify_blank_node
from rdflib import RDF, BNode, Graph, Literal
from rdflib.term import Node

from peninsula.shacl.model import SH
from peninsula.shacl.report import path_text

Result = tuple[Any, ...]


#: What stands for the report where pySHACL meets literals that rdflib cannot compare.
INCOMPARABLE: Final = "incomparable"


def judged_whole(data: Graph, shapes: Graph) -> Graph | str | None:
    """Return pySHACL's own report; None where it raises an error instead."""
    # A cache by the address of a graph, which another graph may have had before.
    stringify_blank_node.dict_cache.clear()
    try:
        _, report, _ = pyshacl.validate(data, shacl_graph=shapes, inplace=True)
    except TypeError:
        return INCOMPARABLE
    except Exception:  # noqa: BLE001 - of many kinds, from rdflib too
        return None
    return report if isinstance(report, Graph) else None


def contents(report: Graph | None, *, messages: bool = True) -> tuple[str, Counter[Result]] | None:
    """Return sh:conforms and the results, by content; those of the results have no names."""
    if report is None:
        return None
    (node,) = report.subjects(RDF.type, SH.ValidationReport)
    (conforms,) = report.objects(node, SH.conforms)
    skipped = {SH.detail} if messages else {SH.detail, SH.resultMessage}
    results = (_result(report, result, skipped) for result in report.objects(node, SH.result))
    return str(conforms), Counter(results)


def _result(report: Graph, node: Node, skipped: set[Node]) -> Result:
    details = Counter(_result(report, d, skipped) for d in report.objects(node, SH.detail))
    return (
        tuple(sorted(
            (str(p), _text(report, p, o))
            for p, o in report.predicate_objects(node) if p not in skipped
        )),
        frozenset(details.items()),
    )  # fmt: skip


def _text(report: Graph, predicate: Node, object: Node) -> str:
    if predicate == SH.resultPath and isinstance(object, BNode):
        return path_text(report, object)
    if predicate == SH.resultMessage:
        # pySHACL lists sets in whichever order, and what it writes of blank nodes in a circle
        # depends on where it began.
        text = str(object).lower()
        return "[…]" if "[ " in text else "".join(sorted(text))
    if isinstance(object, Literal) and object.language:
        # The case of a tag makes no other term; rdflib shows the one that it met first.
        return f"{object}@{object.language.lower()}"
    return str(object.n3())  # type: ignore[attr-defined]
