"""Imports go down only, and only some modules know the big libraries.

The rows are those of the README, in more detail. A module may import from any row below its own, never from
its own row; what stands in a package (``dataset``, ``shacl``, ``views``) is ordered within it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

PACKAGE: Final = Path(__file__).resolve().parents[2] / "server" / "peninsula"

#: From the top to the bottom.
ROWS: Final = [
    "__main__",
    "cli",
    "commands.stores commands.asking commands.judging commands.exporting commands.importing",
    "commands.linking commands.sources",
    "commands.basis commands.exits commands.printing",
    "linking.pulling linking.suggesting",
    "linking.accepting linking.checking linking.delivering",
    "linking.asking",
    "operating",
    "app",
    "views.graphs",
    "views.update views.validate views.programs",
    "views.changes views.sparql views.pages views.queries views.positions views.timeline views.maps",
    "views.choices views.position_wishes views.position_files views.submissions views.tables views.dumps",
    "views.network views.search views.reconcile views.about views.ontology views.completion",
    "views.nanopublications",
    "views.resources views.history views.trials views.operations",
    "views.answers views.ranges views.bodies views.assets views.showing views.names",
    "views.site views.parameters",
    "front serving console importing.running",
    "importing.targets",
    "checking gate",
    "submission",
    "loading",
    "presentation questions",
    "depiction.timeline depiction.maps depiction.network depiction.matrix depiction.charts",
    "depiction.answer",
    "ties",
    "reconciliation.manifest reconciliation.results",
    "reconciliation.matching reconciliation.preview",
    "reconciliation.extension reconciliation.suggesting",
    "reconciliation.schema reconciliation.values reconciliation.scoring",
    "reconciliation.entities reconciliation.identifiers",
    "gazetteer completion drafting openapi suggestions snapshots overview resources description documentation revisions coverage",
    "sections facts wikidata.suggesting wikidata.checking",
    "wikidata.fitting wikidata.excerpt",
    "wikidata.things",
    "provenance section_specs",
    "profiles.claim profiles.passage profiles.position profiles.event profiles.resolution",
    "profiles.tension profiles.placement",
    "profiles.briefs",
    "profiles.statements",
    "agreement course",
    "search_service",
    "search chronicle stances evidence tabulation.writing",
    "searching.shelf searching.named searching.candidates",
    "searching.ranking",
    "searching.wishes",
    "searching.building",
    "searching.touching",
    "searching.folders",
    "searching.fulltext",
    "searching.kinds",
    "searching.entries",
    "searching.spreading",
    "shacl.mends",
    "library shacl.shapes shacl.candidates tables columns positions hygiene rules topics dumps nanopublications tabulation.rows",
    "shacl.validation shacl.lookup labels knowledge",
    "shacl.affected",
    "shacl.screen shacl.rewriting",
    "shacl.queries shacl.locating shacl.rendering shacl.display",
    "shacl.bounds shacl.naming shacl.report shacl.wants",
    "shacl.view",
    "shacl.edits shacl.literals shacl.model",
    "federation.dataset",
    "federation.evaluation",
    "federation.patterns federation.targets",
    "federation.local_services federation.bindings federation.asking",
    "dataset.embedded federation.gateway",
    "federation.courier",
    "federation.quarantine",
    "dataset.judges",
    "dataset.changes dataset.readers dataset.pooled",
    "dataset.running",
    "dataset.workers",
    "dataset.zygote dataset.bulk dataset.rebuilding",
    "dataset.writer dataset.reader federation.results",
    "importing.comparing importing.locating dataset.updates dataset.local federation.planning federation.questions",
    "dataset.templates",
    "federation.writing federation.names federation.levels dataset.operations",
    "dataset.interface dataset.delta diagnosis",
    "dataset.memory dataset.generations dataset.channel dataset.patches",
    "dataset.sandbox dataset.budgets",
    "federation.clauses",
    "federation.parsing",
    "graphstore uploads highlighting federation.structure",
    "network_settings queueing connections",
    "tabulation.arrow tabulation.csvw",
    "protocol policy negotiation serialization caching compression payloads fetching selections",
    "federation.exchange federation.answers federation.turns federation.room federation.callers federation.calls",
    "federation.wire",
    "drawing.network drawing.outline discourse",
    "drawing.timeline drawing.maps drawing.matrix drawing.charts",
    "drawing.lettering",
    "reconciliation.names reconciliation.properties reconciliation.requests",
    "wikidata.assembling",
    "wikidata.snapshot wikidata.pulling",
    "importing.generation importing.layout importing.samples",
    "importing.keys",
    "importing.head",
    "importing.cells",
    "importing.resolving",
    "importing.metadata importing.reading",
    "importing.described importing.delimited importing.workbooks",
    "importing.mapping importing.rows importing.vocabulary",
    "importing.dialects importing.report importing.templates",
    "keeping tokens turtle inference assets translation recognition examples columnar",
    "reconciliation.dates reconciliation.transliteration",
    "tabulation.declarations",
    "searching.comparison",
    "searching.phrases",
    "searching.words",
    "searching.stemming",
    "formats terms sparql edtf spelling fairness wikidata.slice searching.romanization",
    "wikidata.terms wikidata.journal",
    "client.session",
    "client.answers client.entities client.reports client.transport",
    "client.frames",
    "client.terms",
    "client.problems",
    "config logs metrics framing",
    "federation.services files",
    "federation.addresses",
    "namespaces errors",
]
RANKS: Final = {name: rank for rank, row in enumerate(ROWS) for name in row.split()}

#: Library -> the modules that may import it.
WHO_KNOWS: Final = {
    "flask": ("app", "views."),
    "werkzeug": ("app", "views."),
    "waitress": ("serving", "connections", "framing", "queueing"),
    "prometheus_client": ("metrics",),
    "pyshacl": ("shacl.",),
    "csvw": ("importing.described", "importing.mapping"),
    "openpyxl": ("importing.workbooks",),
    "defusedxml": ("importing.workbooks",),
    "uritemplate": ("importing.templates",),
    "pandas": ("client.frames",),
    "polars": ("client.frames",),
    "rdflib": ("client.session", "shacl.", "turtle"),
    "reasonable": ("inference",),
    "yaml": ("library",),
    "tantivy": ("searching.fulltext", "searching.stemming"),
    "rich": ("commands.", "console"),
    "babel": ("translation",),
    "pyarrow": ("columnar", "tabulation.arrow"),
}


def modules() -> list[str]:
    paths = (path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py"))
    return sorted(
        ".".join(path.with_suffix("").parts) for path in paths if path.name != "__init__.py"
    )


def imports(module: str) -> Iterator[str]:
    """Yield the dotted names that a module imports, wherever in the file."""
    path = PACKAGE.joinpath(*module.split(".")).with_suffix(".py")
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: write imports in full"
            assert node.module
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_every_module_has_a_row() -> None:
    assert set(modules()) == set(RANKS)


@pytest.mark.parametrize("module", modules())
def test_imports_go_down(module: str) -> None:
    for name in imports(module):
        target = name.removeprefix("peninsula.")
        if name.startswith("peninsula.") and target in RANKS:
            assert RANKS[target] > RANKS[module], f"{module} imports {target}"


@pytest.mark.parametrize("module", modules())
def test_libraries_stay_where_they_belong(module: str) -> None:
    for name in imports(module):
        allowed = WHO_KNOWS.get(name.split(".")[0])
        assert allowed is None or any(
            module == place or (place.endswith(".") and module.startswith(place))
            for place in allowed
        ), f"{module} imports {name}"


@pytest.mark.parametrize("module", modules())
def test_a_docstring_says_which_question_the_module_answers(module: str) -> None:
    path = PACKAGE.joinpath(*module.split(".")).with_suffix(".py")
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert docstring, f"{module} has no docstring"
    if module not in {"__main__", "errors", "turtle"}:
        assert "?" in docstring.split("\n\n")[0], f"{module}: begin with the question"
