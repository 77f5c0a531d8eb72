"""How words and names are compared, in three scripts."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peninsula.searching.comparison import fit
from peninsula.searching.phrases import read_name, read_phrase, split_compound
from peninsula.searching.romanization import romanize, simplify, sound
from peninsula.searching.stemming import stems, without_particle
from peninsula.searching.words import compare, make_word, tokenize
from peninsula.spelling import distance


@pytest.mark.parametrize(
    ("hangul", "latin"),
    # The examples of the rules for romanization, 국어의 로마자 표기법, among them.
    [
        ("백마", "baengma"), ("종로", "jongno"), ("왕십리", "wangsimni"), ("별내", "byeollae"),
        ("신라", "silla"), ("해돋이", "haedoji"), ("같이", "gachi"), ("좋고", "joko"),
        ("놓다", "nota"), ("압구정", "apgujeong"), ("낙동강", "nakdonggang"),
        ("독립문", "dongnimmun"), ("집현전", "jiphyeonjeon"), ("묵호", "mukho"),
        ("대관령", "daegwallyeong"), ("벚꽃", "beotkkot"), ("월곶", "wolgot"), ("칠곡", "chilgok"),
        ("옥천", "okcheon"), ("합덕", "hapdeok"), ("김정은", "gimjeongeun"), ("문재인", "munjaein"),
        ("평양", "pyeongyang"), ("많다", "manta"), ("읽어", "ilgeo"), ("값이", "gapsi"),
        ("설악", "seorak"), ("앉아", "anja"), ("강아지", "gangaji"), ("전략", "jeollyak"),
        ("협력", "hyeomnyeok"), ("국무", "gungmu"), ("입학", "iphak"), ("않는", "anneun"),
    ],
)  # fmt: skip
def test_hangul_is_written_as_it_sounds(hangul: str, latin: str) -> None:
    assert romanize(hangul) == latin


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("rossiya", "россия"), ("khrushchev", "хрущев"), ("medwedew", "медведев"),
        ("sotchi", "сочи"), ("sanktsii", "санкции"), ("zhirinovsky", "жириновскии"),
        ("vladivostock", "владивосток"), ("pyongyang", "pyeongyang"), ("moon", "mun"),
    ],
)  # fmt: skip
def test_systems_of_romanization_come_to_the_same(one: str, other: str) -> None:
    assert simplify(one) == simplify(romanize(other))


def test_a_row_of_letters_is_no_double_letter() -> None:
    assert simplify("bill") == simplify("bil")
    assert len(simplify("q" * 8)) == 8


def test_korean_and_its_spellings_sound_alike() -> None:
    for spelt in ("kimjongun", "gimjeongeun", romanize("кимченын")):
        assert sound(spelt) == sound(romanize("김정은"))
    assert sound("parkgeunhye") != sound(romanize("박근혜"))
    # The surname as newspapers write it is known, too.
    assert fit_of("Park Geun-hye", "박근혜") > 0.6


def test_endings_and_particles_are_cut() -> None:
    assert len({next(iter(stems(w))) for w in ("путин", "путина", "путину", "путиным")}) == 1
    assert len({next(iter(stems(w))) for w in ("лавров", "лаврова", "лавровым")}) == 1
    assert without_particle("러시아에서") == "러시아"
    assert without_particle("소치의") == "소치"
    assert without_particle("합의") == "합의"
    assert "2397" in stems("2397호")


@given(st.text("abcd", max_size=6), st.text("abcd", max_size=6))
@settings(max_examples=300)
def test_a_distance_is_one(first: str, second: str) -> None:
    real = distance(first, second, 12)
    assert real == distance(second, first, 12)
    assert (real == 0) == (first == second)
    assert abs(len(first) - len(second)) <= real <= max(len(first), len(second))
    for most in (0, 1, 2):
        assert min(distance(first, second, most), most + 1) == min(real, most + 1)
    if len(first) > 1 and first[0] != first[1]:
        assert distance(first, first[1] + first[0] + first[2:], 2) == 1


def how(wished: str, word: str) -> str:
    [one], [other] = tokenize(wished), tokenize(word)
    likeness = compare(one.word, other.word, is_loose=True)
    return likeness.how if likeness else ""


@pytest.mark.parametrize(
    ("wished", "word", "expected"),
    [
        ("Putin", "PUTIN", "exact"), ("José", "jose", "exact"), ("Путина", "Путин", "form"),
        ("푸틴이", "푸틴", "form"), ("Putin", "Путин", "spelling"), ("Rusia", "Russia", "spelling"),
        ("vlad", "Vladimir", "beginning"), ("влад", "Vladimir", "beginning"),
        ("정상", "남북정상회담", "compound"), ("Lavorv", "Lavrov", "typo"), ("vostok", "Vladivostok", "part"),
        ("2397", "2398", ""), ("397", "2397", ""), ("cat", "dog", ""), ("un", "Jung", ""),
    ],
)  # fmt: skip
def test_words_are_alike_in_many_ways(wished: str, word: str, expected: str) -> None:
    assert how(wished, word) == expected


def fit_of(text: str, name: str) -> float:
    found = fit(read_phrase(text), read_name(name), is_loose=True)
    return found.score if found else 0.0


def test_the_more_of_a_name_is_said_the_better_it_fits() -> None:
    names = ("Putin", "Vladimir Putin", "The visit of Putin", "Somebody said that Putin would come")
    fits = [fit_of("Putin", name) for name in names]
    assert fits == sorted(fits, reverse=True)
    assert fits[0] == 1


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("문재인대통령", "문재인 대통령"), ("mun jae in", "문재인"), ("gimjeongeun", "김정은"),
        ("Jongun", "Kim Jong-un"), ("the summit in Hanoi", "Hanoi summit"), ("Putin's", "Putin"),
    ],
)  # fmt: skip
def test_spaces_hyphens_and_small_words_do_not_matter(text: str, name: str) -> None:
    assert fit_of(text, name) > 0.7


def test_a_compound_is_taken_apart() -> None:
    words = {make_word(t.word.text).text for w in ("푸틴", "대통령", "회담") for t in tokenize(w)}
    [token] = tokenize("푸틴대통령회담의")
    parts = split_compound(token.word, words.__contains__)
    assert parts is not None
    assert [part.text for part in parts] == [t.word.text for t in tokenize("푸틴 대통령 회담")]
    assert split_compound(token.word, lambda _: False) is None
    [token] = tokenize("Putinsummit")
    assert split_compound(token.word, lambda _: True) is None
