"""What are a million things called, in three languages, that a search can be measured on?

Names are put together at random, and the same for the same number: people with Korean and Russian
names as the press of each language spells them, meetings and organizations named after them and
after places, and claims of a dozen words. Words come as often as words do: few often, most seldom.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

BASE = "https://w3id.org/peninsula/"
#: Names of one thing, on average: those of people and the like have three, claims have two.
NAMES_A_THING = 2.9

_SURNAMES = (
    "김 Kim Ким,이 Lee Ли,박 Park Пак,최 Choi Чхве,정 Chung Чон,강 Kang Кан,조 Cho Чо,"
    "윤 Yoon Юн,장 Jang Чан,임 Lim Лим,한 Han Хан,오 Oh О,서 Seo Со,신 Shin Син,"
    "권 Kwon Квон,황 Hwang Хван,안 Ahn Ан,송 Song Сон,류 Ryu Рю,홍 Hong Хон,문 Moon Мун,"
    "노 Roh Но,남 Nam Нам,백 Paik Пэк"
)
_SYLLABLES = (
    "정 jong чен,은 un ын,재 jae чжэ,인 in ин,근 geun кын,혜 hye хе,명 myung мён,"
    "박 bak бак,대 dae дэ,중 jung чжун,무 moo му,현 hyun хён,석 suk сок,열 yeol ёль,"
    "용 yong ён,호 ho хо,선 son сон,희 hui хи,영 young ён,철 chol чхоль,수 su су,"
    "민 min мин,성 sung сон,경 kyung гён,화 hwa хва,우 woo у,진 jin чжин,태 tae тхэ,"
    "상 sang сан,규 kyu гю,훈 hoon хун,동 dong дон,원 won вон,식 sik сик"
)
_FIRST = (
    "Vladimir Владимир 블라디미르,Sergey Сергей 세르게이,Dmitry Дмитрий 드미트리,"
    "Igor Игорь 이고리,Alexander Александр 알렉산드르,Andrey Андрей 안드레이,"
    "Nikolay Николай 니콜라이,Maria Мария 마리야,Mikhail Михаил 미하일,Boris Борис 보리스,"
    "Yury Юрий 유리,Anna Анна 안나,Oleg Олег 올레크"
)
_PLACES = (
    "Moscow Москва 모스크바,Seoul Сеул 서울,Pyongyang Пхеньян 평양,Beijing Пекин 베이징,"
    "Tokyo Токио 도쿄,Vladivostok Владивосток 블라디보스토크,Sochi Сочи 소치,"
    "Hanoi Ханой 하노이,Singapore Сингапур 싱가포르,Busan Пусан 부산,"
    "Khabarovsk Хабаровск 하바롭스크,Geneva Женева 제네바,Kaesong Кэсон 개성,"
    "Rason Расон 라선"
)
_KINDS = (
    "summit саммит 정상회담,talks переговоры 회담,forum форум 포럼,visit визит 방문,"
    "treaty договор 조약,exercise учения 훈련,committee комитет 위원회,"
    "conference конференция 회의,commission комиссия 공동위원회"
)
_CLAIMED = """
Russia holds that sanctions against the North hurt ordinary people and trade more than weapons while
Seoul expects Washington to return with new offers once pressure fails and Moscow plans railways
pipelines ports energy bridges denuclearization dialogue guarantees missiles tests security council
veto resolution parliament alliance neutrality economy technology
"""
_PLAIN = _CLAIMED.split()
#: Parts of surnames, villages and companies: every few of them make another word.
_PARTS = """
ba vo ri mi ke lo na ro su ta de go za pe li mo ka vi ru sha no ga bo
ба во ри ми ке ло на ро су та де го за пе ли мо ка ви ру ша но га бо
바 보 리 미 케 로 나 로 수 타 데 고 자 페 리 모 카 비 루 샤 노 가 보
"""
_LATIN, _CYRILLIC, _HANGUL = (line.split() for line in _PARTS.strip().splitlines())


class Thing(NamedTuple):
    """A thing with its names: (text, language), the first one English."""

    iri: str
    class_iri: str
    names: tuple[tuple[str, str], ...]
    property: str = "label"


def _table(text: str) -> list[list[str]]:
    return [entry.split() for entry in text.split(",")]


class Names:
    """Things, one after another."""

    def __init__(self, seed: int = 1) -> None:
        self._random = random.Random(seed)
        self._surnames, self._syllables = _table(_SURNAMES), _table(_SYLLABLES)
        self._first, self._places, self._kinds = _table(_FIRST), _table(_PLACES), _table(_KINDS)

    def things(self, count: int) -> Iterator[Thing]:
        """Yield ``count`` things."""
        for number in range(count):
            draw = self._random.random()
            if draw < 0.3:
                yield self._thing(number, "person", "Person", self._korean())
            elif draw < 0.5:
                yield self._thing(number, "person", "Person", self._russian())
            elif draw < 0.8:
                yield self._thing(number, "event", "Summit", self._event())
            elif draw < 0.9:
                yield self._thing(number, "organization", "Organization", self._organization())
            else:
                yield self._claim(number)

    def _thing(self, number: int, kind: str, class_: str, names: tuple[str, str, str]) -> Thing:
        tagged = tuple(zip(names, ("en", "ru", "ko"), strict=True))
        return Thing(f"{BASE}id/{kind}/x{number}", f"{BASE}ns#{class_}", tagged)

    def _often(self, entries: list[list[str]]) -> list[str]:
        """Return one of ``entries``, the first ones more often."""
        return entries[int(len(entries) * self._random.random() ** 2)]

    def _coined(self) -> tuple[str, str, str]:
        """Return a word that is hardly used twice, in three scripts."""
        parts = [
            int(len(_LATIN) * self._random.random() ** 1.3)
            for _ in range(self._random.choice((3, 4)))
        ]
        spelt = ("".join(script[i] for i in parts) for script in (_LATIN, _CYRILLIC, _HANGUL))
        latin, cyrillic, hangul = spelt
        return latin.capitalize(), cyrillic.capitalize(), hangul

    def _korean(self) -> tuple[str, str, str]:
        surname = self._often(self._surnames)
        first, second = self._often(self._syllables), self._random.choice(self._syllables)
        return (
            f"{surname[1]} {first[1].capitalize()}-{second[1]}",
            f"{surname[2]} {first[2].capitalize()} {second[2].capitalize()}",
            f"{surname[0]}{first[0]}{second[0]}",
        )

    def _russian(self) -> tuple[str, str, str]:
        first, (latin, cyrillic, hangul) = self._often(self._first), self._coined()
        return f"{first[0]} {latin}v", f"{first[1]} {cyrillic}в", f"{first[2]} {hangul}프"

    def _event(self) -> tuple[str, str, str]:
        kind, place = self._often(self._kinds), self._often(self._places)
        year = 1950 + int(76 * self._random.random() ** 0.5)
        guest = self._coined() if self._random.random() < 0.5 else self._often(self._places)
        en, ru, ko = (guest[0], guest[1], guest[2])
        return (
            f"{en} {kind[0]} in {place[0]}, {year}",
            f"{en and ru}: {kind[1]}, {place[1]}, {year}",
            f"{year}년 {place[2]} {ko} {kind[2]}",
        )

    def _organization(self) -> tuple[str, str, str]:
        kind, (latin, cyrillic, hangul) = self._often(self._kinds), self._coined()
        return f"{latin} {kind[0]}", f"{kind[1].capitalize()} {cyrillic}", f"{hangul}{kind[2]}"

    def _claim(self, number: int) -> Thing:
        words = [
            _PLAIN[int(len(_PLAIN) * self._random.random() ** 1.5)]
            for _ in range(self._random.randrange(8, 16))
        ]
        words.insert(self._random.randrange(len(words)), self._coined()[0])
        text = f"{' '.join(words).capitalize()}."
        iri = f"{BASE}id/claim/x{number}"
        names = ((text, "en"), (f"claim x{number}", "en"))
        return Thing(iri, f"{BASE}ns#Claim", names, "paraphrase")


def write(path: Path, things: int) -> int:
    """Write the things as N-Triples to ``path``; return how many names they have."""
    count = 0
    label = "<http://www.w3.org/2000/01/rdf-schema#label>"
    paraphrase = f"<{BASE}ns#paraphrase>"
    type_ = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>"
    with path.open("w", encoding="utf-8") as file:
        for thing in Names().things(things):
            lines = [f"<{thing.iri}> {type_} <{thing.class_iri}> .\n"]
            for place, (text, tag) in enumerate(thing.names):
                is_claim = thing.property == "paraphrase" and not place
                lines.append(
                    f'<{thing.iri}> {paraphrase if is_claim else label} "{text}"@{tag} .\n'
                )
            count += len(thing.names)
            file.writelines(lines)
    return count
