"""Which terms, quads and payloads are tried, and when do two datasets say the same?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import pyoxigraph as ox
from hypothesis import strategies as st

GRAPHS: Final = ("urn:g1", "urn:g2", "urn:g3")
NODES: Final = ("<urn:a>", "<urn:b>", "<urn:c>")
PREDICATES: Final = ("<urn:p>", "<urn:q>")
_XSD: Final = "http://www.w3.org/2001/XMLSchema#"
#: Spelled in ways that a store which keeps values gives back in another, and in awkward ones.
LITERALS: Final = (
    '"1"',
    f'"01"^^<{_XSD}integer>',
    f'"1"^^<{_XSD}integer>',
    f'"1.0"^^<{_XSD}decimal>',
    f'"1e0"^^<{_XSD}double>',
    f'"NaN"^^<{_XSD}double>',
    f'"one"^^<{_XSD}integer>',
    f'"1"^^<{_XSD}boolean>',
    f'"2026-11-25T01:02:03+00:00"^^<{_XSD}dateTime>',
    f'"2026-11-25"^^<{_XSD}date>',
    '"x"@en',
    '"x"@EN-us',
    '"x"@ar--rtl',
    '""',
    r'"a\tb\"c\\d\ne,f"',
    '"한국 Россия \U0001f54a"',
    r'"} ; DROP ALL #"',
)

Lines = frozenset[str]
#: What a dataset says: its quads, canonical, and its named graphs, blank ones without a name.
Said = tuple[Lines, list[str]]

iris = st.sampled_from(NODES)
predicates = st.sampled_from(PREDICATES)
graphs = st.sampled_from(GRAPHS)
blanks = st.sampled_from(("_:x", "_:y"))
literals = st.sampled_from(LITERALS)
ground_objects = iris | literals
triple_terms = st.builds("<<( {} {} {} )>>".format, iris, predicates, ground_objects)


def triples(*, has_blanks: bool, has_triple_terms: bool = True) -> st.SearchStrategy[str]:
    """Triples in N-Triples, without the end."""
    subjects, objects = iris, ground_objects
    if has_blanks:
        subjects, objects = subjects | blanks, objects | blanks
    if has_triple_terms:
        objects = st.one_of(objects, objects, triple_terms)
    return st.builds("{} {} {}".format, subjects, predicates, objects)


def rows(least: int = 0, most: int = 4, *, has_blanks: bool = True) -> st.SearchStrategy[list[str]]:
    """Lists of triples."""
    return st.lists(triples(has_blanks=has_blanks), min_size=least, max_size=most)


def quads(*, has_blanks: bool, least: int = 1, most: int = 5) -> st.SearchStrategy[list[str]]:
    """Lists of quads in N-Quads, with their ends."""
    in_graph = st.builds("{} <{}> .".format, triples(has_blanks=has_blanks), graphs)
    return st.lists(
        st.builds("{} .".format, triples(has_blanks=has_blanks)) | in_graph,
        min_size=least,
        max_size=most,
        unique=True,
    )


def parse(text: str, *, renames: bool = True) -> list[ox.Quad]:
    """Read N-Quads, with new blank nodes or with those of the text."""
    return list(ox.parse(text, format=ox.RdfFormat.N_QUADS, rename_blank_nodes=renames))


def nameless(names: Iterable[str]) -> list[str]:
    """Return names of graphs in order, each blank one as ``_:``."""
    return sorted("_:" if name.startswith("_:") else name for name in names)


def says(quads: Iterable[ox.Quad], names: Iterable[str]) -> Said:
    """Return what a dataset says, whatever its blank nodes are called."""
    dataset = ox.Dataset(quads)
    dataset.canonicalize(ox.CanonicalizationAlgorithm.RDFC_1_0)
    return frozenset(map(str, dataset)), nameless(names)


def store_says(store: ox.Store) -> Said:
    """Return what a store says."""
    return says(store, names_of(store))


def names_of(store: ox.Store) -> set[str]:
    """Return the names of a store's graphs as the server tells them: an IRI, or ``_:b``."""
    return {
        name.value if isinstance(name, ox.NamedNode) else str(name) for name in store.named_graphs()
    }


def copy(store: ox.Store) -> ox.Store:
    """Return a store that says the same, with the same blank nodes."""
    other = ox.Store()
    other.extend(store)
    for name in store.named_graphs():
        other.add_graph(name)
    return other
