"""What large data are the servers measured on?

Products, offers and reviews in the shape of the Berlin SPARQL Benchmark (BSBM): the same kinds of
things in the same proportions (20 offers and 10 reviews a product, a tree of product types, some
360 triples a product), under a vocabulary of our own and with shorter texts. It is not BSBM's
generator, and its figures are not to be compared with published ones.

The same number of triples gives the same file, byte for byte, on every machine: chance comes from
``random.Random(seed).random()``, which Python keeps stable. There are no blank nodes, no triple
stands twice, and no literal holds a line break or a quotation mark.

``python -m bench.generator FILE --triples 1000000`` writes a file by itself; one that ends in
``.nq`` has each vendor, rater and producer as a graph of its own.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

Chance = Callable[[], float]

VOCABULARY = "http://bench.example/vocabulary/"
THINGS = "http://bench.example/"

TRIPLES_PER_PRODUCT = 360
OFFERS_PER_PRODUCT = 20
REVIEWS_PER_PRODUCT = 10
COUNTRIES = ("KR", "KP", "RU", "CN", "JP", "US", "DE", "GB", "FR", "MN")
LANGUAGES = ("en", "ko", "ru", "en", "en")
#: The tree of product types: so many children at each level, the last being the leaves.
BRANCHES = (6, 5, 5)

_RDF_TYPE = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>"
_LABEL = "<http://www.w3.org/2000/01/rdf-schema#label>"
_COMMENT = "<http://www.w3.org/2000/01/rdf-schema#comment>"
_SUBCLASS = "<http://www.w3.org/2000/01/rdf-schema#subClassOf>"
_XSD = "http://www.w3.org/2001/XMLSchema#"
_INTEGER = f"^^<{_XSD}integer>"
_DECIMAL = f"^^<{_XSD}decimal>"
_DATE = f"^^<{_XSD}date>"


@dataclass(frozen=True, slots=True)
class Shape:
    """How many of each there are in data of a size; all follow from the number of triples."""

    triples: int

    @property
    def products(self) -> int:
        return max(self.triples // TRIPLES_PER_PRODUCT, 10)

    @property
    def producers(self) -> int:
        return max(self.products // 50, 2)

    @property
    def vendors(self) -> int:
        return max(self.products // 100, 2)

    @property
    def features(self) -> int:
        """Four times as many at ten times the size, as in BSBM."""
        return max(int(13 * self.products**0.6), 40)

    @property
    def reviewers(self) -> int:
        return max(self.products * REVIEWS_PER_PRODUCT // 20, 2)

    @property
    def leaves(self) -> int:
        number = 1
        for branch in BRANCHES:
            number *= branch
        return number


def write(path: Path, triples: int, seed: int = 42) -> int:
    """Write at least ``triples`` triples (under 400 more) to ``path``; return how many it holds.

    N-Quads where the name ends in ``.nq``, else N-Triples.
    """
    written = 0
    shape = Shape(triples)
    with path.open("w", encoding="utf-8", newline="\n", buffering=1 << 20) as file:
        for text, count in _blocks(shape, random.Random(seed).random, path.suffix == ".nq"):
            file.write(text)
            written += count
            if written >= triples:
                break
    return written


def _blocks(shape: Shape, chance: Chance, quads: bool) -> Iterator[tuple[str, int]]:
    """Yield N-Triples or N-Quads, some entities at a time, with the number of triples in each.

    The small and fixed parts come first; then products, each with its offers and reviews, until
    nobody asks for more: products beyond ``shape.products`` fill up the last few triples.
    """
    words = _words(chance)
    yield _type_tree(shape, words, quads)
    yield _features(shape, words, chance, quads)
    yield _agents(shape, words, chance, quads)
    number = 0
    while True:
        number += 1
        yield _product(number, shape, words, chance, quads)


def _words(chance: Chance) -> list[str]:
    """Return 4,000 pseudo-words; the first ones are used most."""
    onsets = [*"bdfghjklmnprstvwz", "ch", "br", "st"]
    vowels = [*"aeiou", "ae", "eo"]
    codas = ["", "n", "l", "r", "ng", "k", "m", ""]
    found: dict[str, None] = {}
    while len(found) < 4000:
        word = "".join(
            onsets[int(chance() * 20)] + vowels[int(chance() * 7)] + codas[int(chance() * 8)]
            for _ in range(1 + int(chance() * 3))
        )
        found[word] = None
    return list(found)


def _text(words: list[str], chance: Chance, number: int) -> str:
    """Return ``number`` words; squaring makes the first of the list the frequent ones."""
    return " ".join([words[int(chance() ** 2 * 4000)] for _ in range(number)])


def _end(quads: bool, graph: str) -> str:
    return f" <{THINGS}graph/{graph}> .\n" if quads else " .\n"


def _type_tree(shape: Shape, words: list[str], quads: bool) -> tuple[str, int]:
    """The leaves are types 1 to ``shape.leaves``; their ancestors are named by level."""
    end, lines = _end(quads, "types"), []
    width, parents = 1, ["root"]
    lines.append(f'<{THINGS}type/root> {_LABEL} "thing"@en{end}')
    for level, branch in enumerate(BRANCHES, start=1):
        width *= branch
        names = [
            str(i + 1) if width == shape.leaves else f"level{level}-{i + 1}" for i in range(width)
        ]
        for i, name in enumerate(names):
            lines.append(
                f"<{THINGS}type/{name}> {_SUBCLASS} <{THINGS}type/{parents[i // branch]}>{end}"
            )
            lines.append(
                f'<{THINGS}type/{name}> {_LABEL} "{words[(level * 97 + i) % 4000]}"@en{end}'
            )
        parents = names
    return "".join(lines), len(lines)


def _features(shape: Shape, words: list[str], chance: Chance, quads: bool) -> tuple[str, int]:
    end, lines = _end(quads, "types"), []
    for i in range(1, shape.features + 1):
        feature = f"<{THINGS}feature/{i}>"
        lines.append(f"{feature} {_RDF_TYPE} <{VOCABULARY}Feature>{end}")
        lines.append(f'{feature} {_LABEL} "{_text(words, chance, 2)}"@en{end}')
    return "".join(lines), len(lines)


def _agents(shape: Shape, words: list[str], chance: Chance, quads: bool) -> tuple[str, int]:
    """Producers, vendors and reviewers: a type, a name and a country each."""
    lines = []
    kinds = (
        ("Producer", "producer", shape.producers),
        ("Vendor", "vendor", shape.vendors),
        ("Reviewer", "reviewer", shape.reviewers),
    )
    for kind, folder, number in kinds:
        for i in range(1, number + 1):
            end = _end(quads, f"{folder}{i}" if kind != "Reviewer" else f"rater{i % 50}")
            agent = f"<{THINGS}{folder}/{i}>"
            country = COUNTRIES[int(chance() ** 1.5 * 10)]
            lines.append(f"{agent} {_RDF_TYPE} <{VOCABULARY}{kind}>{end}")
            lines.append(f'{agent} {_LABEL} "{_text(words, chance, 2)}"{end}')
            lines.append(f"{agent} <{VOCABULARY}country> <{THINGS}country/{country}>{end}")
    return "".join(lines), len(lines)


def _day(chance: Chance, first: int, years: int) -> str:
    month, day = 1 + int(chance() * 12), 1 + int(chance() * 28)
    return f"{first + int(chance() * years)}-{month:02}-{day:02}"


def _product(
    number: int, shape: Shape, words: list[str], chance: Chance, quads: bool
) -> tuple[str, int]:
    v = VOCABULARY
    maker = 1 + (number - 1) * shape.producers // max(shape.products, number)
    end = _end(quads, f"producer{maker}")
    product = f"<{THINGS}product/{number}>"
    leaf = 1 + int(chance() * shape.leaves)
    lines = [
        f"{product} {_RDF_TYPE} <{v}Product>{end}",
        f"{product} {_RDF_TYPE} <{THINGS}type/{leaf}>{end}",
        f'{product} {_LABEL} "{_text(words, chance, 3)}"{end}',
        f'{product} {_COMMENT} "{_text(words, chance, 25)}"{end}',
        f"{product} <{v}producer> <{THINGS}producer/{maker}>{end}",
        f'{product} <{v}date> "{_day(chance, 2000, 8)}"{_DATE}{end}',
    ]
    for i in range(1, 4 + int(chance() * 3)):
        lines.append(f'{product} <{v}number{i}> "{1 + int(chance() * 2000)}"{_INTEGER}{end}')
        lines.append(f'{product} <{v}text{i}> "{_text(words, chance, 6)}"{end}')
    # Types near each other share features, so that products can be alike.
    offset = leaf * shape.features // shape.leaves
    for feature in {int(chance() ** 2 * shape.features / 4) for _ in range(9 + int(chance() * 18))}:
        target = 1 + (offset + feature) % shape.features
        lines.append(f"{product} <{v}feature> <{THINGS}feature/{target}>{end}")
    for i in range(OFFERS_PER_PRODUCT):
        vendor = 1 + int(chance() * shape.vendors)
        end = _end(quads, f"vendor{vendor}")
        offer = f"<{THINGS}offer/{number}-{i}>"
        start = _day(chance, 2008, 2)
        lines.append(
            f"{offer} {_RDF_TYPE} <{v}Offer>{end}"
            f"{offer} <{v}product> {product}{end}"
            f"{offer} <{v}vendor> <{THINGS}vendor/{vendor}>{end}"
            f'{offer} <{v}price> "{5 + int(chance() * 1_000_000) / 100}"{_DECIMAL}{end}'
            f'{offer} <{v}validFrom> "{start}"{_DATE}{end}'
            f'{offer} <{v}validTo> "{int(start[:4]) + 1}{start[4:]}"{_DATE}{end}'
            f'{offer} <{v}deliveryDays> "{1 + int(chance() * 21)}"{_INTEGER}{end}'
            f"{offer} <{v}webpage> <{THINGS}vendor/{vendor}/offer/{number}-{i}>{end}"
            f"{offer} <{v}publisher> <{THINGS}vendor/{vendor}>{end}"
            f'{offer} <{v}date> "{start}"{_DATE}{end}'
        )
    count = len(lines) + 9 * OFFERS_PER_PRODUCT
    for i in range(REVIEWS_PER_PRODUCT):
        reviewer = 1 + int(chance() * shape.reviewers)
        end = _end(quads, f"rater{reviewer % 50}")
        review = f"<{THINGS}review/{number}-{i}>"
        language = LANGUAGES[int(chance() * 5)]
        ratings = [
            f'{review} <{v}rating{j}> "{1 + int(chance() * 10)}"{_INTEGER}{end}'
            for j in range(1, 5)
            if chance() < 0.7
        ]
        lines.append(
            f"{review} {_RDF_TYPE} <{v}Review>{end}"
            f"{review} <{v}reviewFor> {product}{end}"
            f"{review} <{v}reviewer> <{THINGS}reviewer/{reviewer}>{end}"
            f'{review} <{v}title> "{_text(words, chance, 4)}"{end}'
            f'{review} <{v}text> "{_text(words, chance, 30)}"@{language}{end}'
            f'{review} <{v}reviewDate> "{_day(chance, 2007, 3)}"{_DATE}{end}'
            f"{review} <{v}publisher> <{THINGS}rater/{reviewer % 50}>{end}"
            f'{review} <{v}date> "{_day(chance, 2007, 3)}"{_DATE}{end}' + "".join(ratings)
        )
        count += 8 + len(ratings)
    return "".join(lines), count


def main() -> None:
    """Write one file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path, help=".nt or .nq")
    parser.add_argument("--triples", type=int, default=1_000_000, help="default: 1000000")
    options = parser.parse_args()
    print(f"{write(options.file, options.triples):,} triples in {options.file}", file=sys.stderr)


if __name__ == "__main__":
    main()
