"""What is taken for the same name, and what is not."""

from __future__ import annotations

import pyoxigraph as ox
import pytest
from hypothesis import given
from hypothesis import strategies as st

from peninsula.shacl.naming import Named, is_like, local_name, rank, slips, to_key


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("Kim Jong-un", "kim_jong-un", True),
        ("isTenuerOf", "isTenureOf", True),
        ("Preson", "Person", True),
        ("hasParticipants", "hasParticipant", True),
        ("resolution-2397", "resolution-2398", False),
        ("resolution 2397", "2397 resolution", False),
        ("for", "from", False),
        ("until", "from", False),
        ("", "from", False),
    ],
)
def test_names_are_alike_or_not(one: str, other: str, expected: bool) -> None:
    assert is_like(one, other) is expected


def test_the_likest_name_comes_first() -> None:
    things = [ox.NamedNode(f"x:{name}") for name in ("kim-jong-nam", "kim-jong-un", "xi")]
    named = [Named(thing, (to_key(local_name(thing.value)),)) for thing in things]
    assert rank(named, "Kim Jong-unn")[0] == ox.NamedNode("x:kim-jong-un")
    assert ox.NamedNode("x:xi") not in rank(named, "Kim Jong-unn")


@given(st.text("abc-12", min_size=2, max_size=12), st.data())
def test_one_letter_left_out_is_one_slip(name: str, data: st.DataObject) -> None:
    places = [i for i, letter in enumerate(name) if not letter.isdecimal()]
    if places:
        at = data.draw(st.sampled_from(places))
        assert name in set(slips(name[:at] + name[at + 1 :]))


@given(st.text("ab12", max_size=10))
def test_a_slip_leaves_the_digits_alone(name: str) -> None:
    digits = [letter for letter in name if letter.isdecimal()]
    assert all([c for c in slip if c.isdecimal()] == digits for slip in slips(name))
