"""Behind a position are claims: whose word, where in the text, and what speaks against them."""

from __future__ import annotations

from peninsula.evidence import read_evidence, read_readings
from peninsula.namespaces import expand

from .stance_scene import make_scene

C1, C2, C7 = (expand(f"claim:c{n}") for n in (1, 2, 7))


def test_a_claim_has_its_chain_place_time_and_tensions() -> None:
    found = read_evidence(make_scene(), [C1, C2], "en")
    claim = found[C1]
    assert (claim.id, claim.paraphrase) == ("c1", "Russia backed the resolution.")
    assert claim.source and claim.source.name == "Russia"
    assert [speaker.name for speaker in claim.reporters] == ["The book", "The commentary"]
    assert [(s.name, s.basis) for s in claim.chain if s.is_inferred] == [
        ("The book", "rests on a note")
    ]
    assert (claim.section, claim.paragraph, claim.sentence) == ("north-korea", "4", "3")
    assert (claim.edtf, claim.is_inferred) == ("2017", True)
    clashes = [(c.id, c.kind, c.tension_name, c.holders) for c in claim.clashes]
    assert clashes == [
        ("c2", "different aspects", "Backing and reluctance", ["Russia"]),
        ("c3", "", "", ["Russia"]),
    ]
    assert not any(c.is_contradiction for c in claim.clashes)


def test_what_is_not_known_of_a_claim_is_empty() -> None:
    claim = read_evidence(make_scene(), [C7], "en")[C7]
    assert (claim.source, claim.reporters, claim.paragraph, claim.edtf) == (None, (), "", "")
    nobody = expand("claim:nobody")
    assert read_evidence(make_scene(), [nobody], "en")[nobody].paraphrase == "claim:nobody"
    assert read_evidence(make_scene(), [], "en") == {}


def test_a_contradiction_stands_first() -> None:
    scene = make_scene("claim:c1 pen:contradicts claim:c3 .")
    claim = read_evidence(scene, [C1], "en")[C1]
    assert [(c.id, c.is_contradiction) for c in claim.clashes] == [("c3", True), ("c2", False)]


def test_a_reading_says_why_a_claim_is_evidence() -> None:
    reading = expand("reading:r2")
    found = read_readings(make_scene(), [reading], "en")[reading]
    assert (found.claim, found.why) == (C2, "Reluctance shows a mixed attitude.")


def test_many_claims_are_asked_for_in_parts() -> None:
    many = [expand(f"claim:m{n}") for n in range(900)]
    assert len(read_evidence(make_scene(), many, "en")) == 900
