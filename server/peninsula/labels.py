"""What is this thing called, in the reader's language?

Labels come from the dataset itself. Where there is none in the wished language the English
one serves, then any, then the prefixed name: nothing is ever without a name.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import pyoxigraph as ox

from peninsula.dataset.interface import Dataset, Term, select_about
from peninsula.namespaces import expand, shorten

LANGUAGES: Final = ("en", "ko", "ru")
#: Terms of others that pages show often; the dataset has no labels for them.
_COMMON: Final = {
    expand(name): dict(zip(LANGUAGES, names, strict=True))
    for name, names in {
        "rdf:type": ("is a", "종류", "вид"),
        "rdfs:isDefinedBy": ("defined in", "정의된 곳", "определено в"),
        "rdfs:label": ("label", "이름표", "название"),
        "rdfs:subClassOf": ("is a kind of", "상위 분류", "разновидность"),
        "rdfs:seeAlso": ("see also", "참고", "см. также"),
        "cito:discusses": ("discusses", "다루는 문헌", "обсуждает"),
        "dcat:dataset": ("has the data set", "포함 데이터 세트", "содержит набор данных"),
        "dcterms:creator": ("by", "작성자", "автор"),
        "dcterms:description": ("description", "설명", "описание"),
        "dcterms:isPartOf": ("part of", "상위 항목", "часть"),
        "dcterms:isReplacedBy": ("replaced by", "대체됨", "заменено на"),
        "dcterms:issued": ("published on", "게시일", "опубликовано"),
        "dcterms:license": ("licence", "라이선스", "лицензия"),
        "dcterms:publisher": ("publisher", "발행자", "издатель"),
        "dcterms:replaces": ("replaces", "대체 대상", "заменяет"),
        "dcterms:source": ("source", "출처", "источник"),
        "dcterms:temporal": ("time covered", "다루는 기간", "охваченное время"),
        "dcterms:title": ("title", "제목", "заглавие"),
        "geo:asWKT": ("coordinates", "좌표", "координаты"),
        "geo:hasGeometry": ("geometry", "기하 정보", "геометрия"),
        "oa:end": ("end (offset)", "끝 (오프셋)", "конец (смещение)"),
        "oa:hasSelector": ("position", "위치", "место"),
        "oa:hasSource": ("text", "본문", "текст"),
        "oa:start": ("start (offset)", "시작 (오프셋)", "начало (смещение)"),
        "prov:wasDerivedFrom": ("derived from", "도출 근거", "выведено из"),
        "skos:broader": ("broader", "상위 개념", "шире"),
        "skos:definition": ("definition", "정의", "определение"),
        "skos:editorialNote": ("editor’s note", "편집자 주", "примечание редактора"),
        "skos:exactMatch": ("same as", "동일 항목", "то же, что"),
        "skos:example": ("example", "예", "пример"),
        "skos:hasTopConcept": ("has the top concept", "최상위 개념", "понятие верхнего уровня"),
        "skos:inScheme": ("in the vocabulary", "소속 어휘", "в словаре"),
        "skos:notation": ("code", "코드", "код"),
        "skos:note": ("note", "비고", "примечание"),
        "skos:scopeNote": ("remark", "참고 설명", "замечание"),
        "skos:topConceptOf": ("top concept of", "최상위 개념인 어휘", "верхнее понятие словаря"),
        "void:dataDump": ("files", "파일", "файлы"),
        "dcat:Dataset": ("data set", "데이터 세트", "набор данных"),
        "foaf:Agent": ("agent", "행위 주체", "агент"),
        "oa:TextPositionSelector": ("position in a text", "본문 내 위치", "место в тексте"),
        "owl:AnnotationProperty": ("property of terms", "용어 속성", "свойство терминов"),
        "owl:Class": ("class", "클래스", "класс"),
        "owl:DatatypeProperty": ("property with values", "값 속성", "свойство со значением"),
        "owl:ObjectProperty": ("property between things", "관계 속성", "свойство-связь"),
        "owl:Ontology": ("ontology", "온톨로지", "онтология"),
        "sf:Point": ("point", "점", "точка"),
        "sh:SPARQLExecutable": ("question", "질문", "вопрос"),
        "skos:Concept": ("concept", "개념", "понятие"),
        "skos:ConceptScheme": ("vocabulary", "어휘", "словарь"),
    }.items()
}
#: Properties that name a thing, the best first; those of one number are as good as each other.
_NAMING: Final = {
    expand(name): rank
    for name, rank in {
        "pen:paraphrase": 1,
        "skos:prefLabel": 2,
        "rdfs:label": 2,
        "dcterms:title": 3,
    }.items()
}
#: Characters of a label that are shown; no page gets long because somebody wrote a book into one.
LONGEST_LABEL: Final = 500
# A filter, and no table of properties to join: the engine would walk over every label there is.
_QUERY: Final = f"""
SELECT ?thing ?property ?label WHERE {{{{
  VALUES ?thing {{{{ {{things}} }}}}
  ?thing ?property ?text
  FILTER(?property IN (pen:paraphrase, skos:prefLabel, rdfs:label, dcterms:title))
  BIND(COALESCE(SUBSTR(?text, 1, {LONGEST_LABEL + 1}), ?text) AS ?label)
}}}}
"""


def find_labels(
    dataset: Dataset, terms: Iterable[Term | None], language: str = "en"
) -> dict[str, str]:
    """Return the label of each IRI among ``terms`` that has one."""
    things = {term.value for term in terms if isinstance(term, ox.NamedNode)}
    best: dict[str, tuple[int, int, str]] = {}
    for thing, property, label in select_about(dataset, _QUERY, things):
        if isinstance(thing, ox.NamedNode) and isinstance(label, ox.Literal):
            naming = _NAMING[property.value] if isinstance(property, ox.NamedNode) else 0
            offer = (rank_language(label, language), naming, label.value)
            best[thing.value] = min(best.get(thing.value, offer), offer)
    common = {thing: _COMMON[thing][language] for thing in things if thing in _COMMON}
    return common | {thing: cut(label) for thing, (_, _, label) in best.items()}


def cut(text: str, most: int = LONGEST_LABEL) -> str:
    """Return ``text``, or what ``most`` characters of it say."""
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def name_of(iri: str, labels: dict[str, str], language: str = "en") -> str:
    """Return the label of ``iri``, or its prefixed name."""
    return labels.get(iri) or _COMMON.get(iri, {}).get(language) or shorten(iri)


def rank_language(value: Term, language: str) -> int:
    """Return how well ``value`` fits a reader of ``language``; the least number fits best."""
    tag = value.language if isinstance(value, ox.Literal) else None
    order = (language, "en", *LANGUAGES)
    return order.index(tag) if tag in order else len(order)


def rank_tag(tag: str) -> int:
    """Return the place of a language among others: those of the pages come first."""
    return LANGUAGES.index(tag) if tag in LANGUAGES else len(LANGUAGES)
