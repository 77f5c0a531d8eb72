"""A spreadsheet is cleaned as in OpenRefine, from the address of the service to new columns."""

from __future__ import annotations

import json
import re
import urllib.request

import pytest

from tests.server.processes import Server

from .openrefine import OpenRefine

LEADERS = [
    "Kim Jong Un", "Moon Jae In", "Vladmir Putin", "Donald J. Trump", "Xi Jinping",
    "Shinzo Abe", "Park Geun Hye", "Roh Moo Hyun", "Dmitri Medvedev", "Sergey Lavrov",
    "Kim Il Sung", "Barack Obama",
]  # fmt: skip


def test_from_the_address_to_new_columns(refine: OpenRefine, server: Server) -> None:
    # The dialogue offers the type that the first ten cells are of.
    types = refine.guess_types(LEADERS)
    assert types[0][0] == "pen:Person"
    # Then every row is asked with the type.
    found = refine.reconcile([(name, {}) for name in LEADERS], ["pen:Person"] * len(LEADERS))
    matched = [next((c["id"] for c in candidates if c["match"]), None) for candidates in found]
    assert matched == [
        "person:kim-jong-un", "person:moon-jae-in", "person:vladimir-putin",
        "person:donald-trump", "person:xi-jinping", "person:shinzo-abe",
        "person:park-geun-hye", "person:roh-moo-hyun", "person:dmitry-medvedev",
        "person:sergei-lavrov", "person:kim-il-sung", "person:barack-obama",
    ]  # fmt: skip
    # A match leads to the page of the thing, and shows a card in a frame.
    with urllib.request.urlopen(refine.view(str(matched[0]))) as page:
        assert page.url.startswith(f"{server.address}id/person/kim-jong-un")
    card = refine.preview(str(matched[0]))
    assert card.status == 200
    assert card.headers["Content-Type"].startswith("text/html")
    assert "frame-ancestors *" in card.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" not in str(card.headers)
    assert "Kim Jong-un" in card.body.decode()
    # New columns are proposed for the type, and fetched.
    proposed = [one["id"] for one in refine.propose("pen:Person")]
    assert {"pen:birthDate", "^pen:isTenureOf/pen:isTenureIn", "rdfs:label@ko"} <= set(proposed)
    told = refine.extend(
        [str(id) for id in matched],
        [{"id": "pen:birthDate"}, {"id": "pen:isCitizenOf"}, {"id": "rdfs:label@ko"},
         {"id": "^pen:isTenureOf/pen:isTenureIn", "settings": {"limit": "1"}}],
    )  # fmt: skip
    moon = told["rows"]["person:moon-jae-in"]
    assert moon["pen:birthDate"] == [{"date": "1953-01-24T00:00:00Z"}]
    assert moon["pen:isCitizenOf"] == [{"id": "state:south-korea", "name": "South Korea"}]
    assert moon["rdfs:label@ko"] == [{"str": "문재인"}]
    assert moon["^pen:isTenureOf/pen:isTenureIn"] == [
        {"id": "office:president-of-south-korea", "name": "President of the Republic of Korea"}
    ]
    assert told["meta"][1]["type"] == {"id": "pen:State", "name": "state"}
    # A column of entities that comes so is reconciled already: its ids are ours.
    states = {cell["id"] for row in told["rows"].values() for cell in row["pen:isCitizenOf"]}
    again = refine.extend(sorted(states), [{"id": "pen:hasCapital"}])
    assert again["rows"]["state:russia"]["pen:hasCapital"][0]["id"] == "place:moscow"


def test_guessed_types_of_meetings_and_resolutions(refine: OpenRefine) -> None:
    meetings = ["Hanoi summit 2019", "Inter-Korean Summit 2000", "Vladivostok summit 2019"]
    assert "pen:Summit" in [id for id, _ in refine.guess_types(meetings)][:3]
    assert refine.guess_types(["UNSCR 2397", "S/RES/1718 (2006)"])[0][0] in {
        "pen:Resolution", "pen:Instrument",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("what", "prefix", "id"),
    [
        ("entity", "moon jae", "person:moon-jae-in"),
        ("entity", "Moon Jae-in", "person:moon-jae-in"),
        ("entity", "문재", "person:moon-jae-in"),
        ("entity", "путин", "person:vladimir-putin"),
        ("entity", "person:moon-jae-in", "person:moon-jae-in"),
        ("entity", "Q7747", "person:vladimir-putin"),
        ("entity", "S/RES/2397 (2017)", "resolution:2397"),
        ("type", "summ", "pen:Summit"),
        ("type", "pen:Summit", "pen:Summit"),
        ("type", "person", "pen:Person"),
        ("property", "date of bi", "pen:birthDate"),
        ("property", "pen:birthDate", "pen:birthDate"),
        ("property", "office he", "^pen:isTenureOf/pen:isTenureIn"),
    ],
)
def test_suggestions(refine: OpenRefine, what: str, prefix: str, id: str) -> None:
    found = refine.suggest(what, prefix)
    assert found[0]["id"] == id
    html = refine.fly_out(what, id)
    assert found[0]["name"] in html.replace("&#x27;", "'")
    assert not re.search(r"<(script|img|iframe|style)|\bon\w+=|style=", html)


def test_suggestions_are_turned_over(refine: OpenRefine) -> None:
    first = refine.suggest("entity", "kim", limit="3")
    then = refine.suggest("entity", "kim", cursor="3", limit="3")
    both = refine.suggest("entity", "kim", limit="6")
    assert [one["id"] for one in (*first, *then)] == [one["id"] for one in both]
    assert refine.suggest("entity", "kim", cursor="10000") == []
    assert len({one["id"] for one in both}) == 6
    types = refine.suggest("type", "", limit="100")
    assert len(types) > 20
    assert refine.suggest("type", "", cursor="5", limit="2") == types[5:7]
    persons = refine.suggest("entity", "kim", type="pen:Person")
    assert persons
    assert all("pen:Person" in [t["id"] for t in one["notable"]] for one in persons)


def test_types_have_what_is_broader(refine: OpenRefine) -> None:
    summit = refine.suggest("type", "pen:Summit")[0]
    assert [one["id"] for one in summit["broader"]] == ["pen:Meeting"]


def test_proposals_are_limited_and_fit_the_type(refine: OpenRefine) -> None:
    assert len(refine.propose("pen:Person", limit="3")) == 3
    resolutions = [one["id"] for one in refine.propose("pen:Resolution")]
    assert {"pen:votesFor", "pen:adoptionDate", "^pen:isVoteOn/pen:isCastBy"} <= set(resolutions)
    assert "pen:birthDate" not in resolutions
    # What says where a statement is from comes last.
    assert resolutions.index("pen:hasVerification") > resolutions.index("pen:votesFor")


def test_values_keep_their_kinds(refine: OpenRefine) -> None:
    told = refine.extend(
        ["resolution:2397", "state:russia", "event:us-dprk-hanoi-2019", "person:nobody-at-all"],
        [{"id": "pen:votesFor"}, {"id": "pen:isUnderChapterVii"}, {"id": "pen:adoptionDate"},
         {"id": "skos:exactMatch"}, {"id": "pen:edtf"}, {"id": "dcterms:source"},
         {"id": "^pen:isVoteOn", "settings": {"count": True}},
         {"id": "rdfs:label", "settings": {"language": "ru"}}],
    )  # fmt: skip
    rows = told["rows"]
    assert rows["resolution:2397"]["pen:votesFor"] == [{"int": 15}]
    assert rows["resolution:2397"]["pen:isUnderChapterVii"] == [{"str": "true"}]
    assert rows["resolution:2397"]["pen:adoptionDate"] == [{"date": "2017-12-22T00:00:00Z"}]
    assert rows["resolution:2397"]["^pen:isVoteOn"] == [{"int": 15}]
    assert rows["event:us-dprk-hanoi-2019"]["pen:edtf"] == [{"str": "2019-02-27/2019-02-28"}]
    assert rows["state:russia"]["rdfs:label"] == [{"str": "Россия"}]
    # Items of Wikidata are in the identifier space of another service, and it is named.
    assert [cell["id"] for cell in rows["state:russia"]["skos:exactMatch"]] == ["Q159"]
    assert "wikidata" in told["meta"][3]["service"]
    # Addresses of documents are no entities.
    assert all("str" in cell for cell in rows["resolution:2397"]["dcterms:source"])
    # What is not known has a row all the same.
    assert rows["person:nobody-at-all"]["pen:votesFor"] == []
    assert rows["person:nobody-at-all"]["^pen:isVoteOn"] == [{"int": 0}]


def test_limits_of_values(refine: OpenRefine) -> None:
    column = {"id": "^pen:isVoteOn/pen:isCastBy"}
    all_ = refine.extend(["resolution:2397"], [column])["rows"]["resolution:2397"][column["id"]]
    assert len(all_) == 15
    some = refine.extend(["resolution:2397"], [{**column, "settings": {"limit": "4"}}])
    assert some["rows"]["resolution:2397"][column["id"]] == all_[:4]
    zero = refine.extend(["resolution:2397"], [{**column, "settings": {"limit": 0}}])
    assert zero["rows"]["resolution:2397"][column["id"]] == all_


def test_properties_decide_between_namesakes(refine: OpenRefine) -> None:
    kim = refine.reconcile([("Kim", {"pen:birthDate": 1912})], ["pen:Person"])[0]
    assert kim[0]["id"] == "person:kim-il-sung"
    told = {feature["id"]: feature["value"] for feature in kim[0]["features"]}
    assert told["pen:birthDate"] == 100
    given = {"id": "state:north-korea", "name": "North Korea"}
    north = refine.reconcile([("Kim", {"pen:isCitizenOf": [given, "nowhere"]})], ["pen:Person"])[0]
    assert north[0]["id"] != "person:kim-dae-jung"
    # An entity of Wikidata is the thing that it is linked to.
    by_item = refine.reconcile(
        [("Putin", {"pen:isCitizenOf": {"id": "Q159"}, "pen:givenName": "Vladimir"})],
        ["pen:Person"],
    )[0]
    assert by_item[0]["id"] == "person:vladimir-putin"
    assert by_item[0]["match"]


def test_properties_alone(refine: OpenRefine) -> None:
    batch = {
        "symbol": {"properties": [{"pid": "pen:symbol", "v": "S/RES/2397 (2017)"}]},
        "code": {"type": "pen:State", "properties": [{"pid": "pen:iso3166Alpha3", "v": "KOR"}]},
        "day": {"type": "pen:Summit", "properties": [{"pid": "pen:from", "v": "2018-06-12"}]},
        "month": {"type": "pen:Summit", "properties": [{"pid": "pen:from", "v": "June 2018"}]},
        "place": {
            "type": "pen:Summit",
            "properties": [
                {"pid": "pen:takesPlaceAt", "v": "Hanoi"}, {"pid": "pen:from", "v": 2019}
            ],
        },
        "number": {"type": "pen:Resolution",
                   "properties": [{"pid": "pen:resolutionNumber", "v": 1718.0}]},
        "truth": {"type": "pen:State", "limit": 50,
                  "properties": [{"pid": "pen:isPermanentMember", "v": True}]},
    }  # fmt: skip
    told = refine.send_batch(batch)
    first = {key: result["result"][0] for key, result in told.items()}
    assert first["symbol"]["id"] == "resolution:2397"
    assert first["symbol"]["match"]
    assert first["code"]["id"] == "state:south-korea"
    assert first["day"]["id"] == "event:us-dprk-singapore-2018"
    assert first["month"]["id"] == "event:us-dprk-singapore-2018"
    assert first["place"]["id"] == "event:us-dprk-hanoi-2019"
    assert first["place"]["match"]
    assert first["number"]["id"] == "resolution:1718"
    # Several have the value: none of them is the one.
    assert {c["id"] for c in told["truth"]["result"]} >= {"state:russia", "state:china"}
    assert not first["truth"]["match"]


def test_types_are_heeded(refine: OpenRefine) -> None:
    def ask(**more: object) -> list[dict[str, object]]:
        batch = {"q": {"query": "Singapore", **more}}
        found: list[dict[str, object]] = refine.send_batch(batch)["q"]["result"]
        return found

    both = ask()
    assert {both[0]["id"], both[1]["id"]} == {"state:singapore", "place:singapore"}
    assert not any(candidate["match"] for candidate in both)
    state = ask(type="pen:State")
    assert [c["id"] for c in state if c["match"]] == ["state:singapore"]
    assert ask(type=["pen:Place", "pen:Person"])[0]["id"] == "place:singapore"
    assert ask(type=["pen:State", "pen:Place"], type_strict="all") == []
    should = ask(type="pen:Place", type_strict="should")
    assert should[0]["id"] == "place:singapore"
    assert "state:singapore" in [c["id"] for c in should]
    # A class of Wikidata is the type that it is aligned to, and so is the name of a type.
    assert ask(type="Q7275")[0]["id"] == "state:singapore"
    assert ask(type="state")[0]["id"] == "state:singapore"


def test_a_single_query_of_the_old_mode(refine: OpenRefine) -> None:
    plain = refine.get(refine.address, query="Moon Jae In")
    assert plain.status == 200
    assert plain.json["result"][0]["id"] == "person:moon-jae-in"
    given = json.dumps({"query": "Moon Jae In", "type": "pen:Person", "limit": 1})
    told = refine.get(refine.address, query=given).json
    assert [candidate["id"] for candidate in told["result"]] == ["person:moon-jae-in"]
    assert refine.post(query="Moon Jae In").json == plain.json


def test_get_and_post_answer_alike(refine: OpenRefine) -> None:
    queries = json.dumps({"q": {"query": "문재인"}})
    assert refine.get(refine.address, queries=queries).json == refine.post(queries=queries).json
    extend = json.dumps({"ids": ["state:russia"], "properties": [{"id": "pen:hasCapital"}]})
    assert refine.get(refine.address, extend=extend).json == refine.post(extend=extend).json


def test_in_another_language_and_at_a_generation(server: Server) -> None:
    korean = OpenRefine(f"{server.address}reconcile?lang=ko")
    assert {"id": "pen:Person", "name": "인물"} in korean.manifest["defaultTypes"] or any(
        type_["id"] == "pen:Person" and type_["name"] != "person"
        for type_ in korean.manifest["defaultTypes"]
    )
    assert korean.reconcile([("Moon Jae-in", {})], ["pen:Person"])[0][0]["name"] == "문재인"
    assert korean.suggest("entity", "moon jae")[0]["name"] == "문재인"
    pinned = OpenRefine(f"{server.address}reconcile?generation=1")
    service = pinned.manifest["suggest"]["entity"]
    assert "generation=1" in service["service_path"]
    answer = pinned.post(queries=json.dumps({"q": {"query": "Moon Jae-in"}}))
    assert answer.status == 200
    assert answer.headers["Peninsula-Generation"] == "1"
    assert pinned.suggest("entity", "moon jae")[0]["id"] == "person:moon-jae-in"
    lost = pinned.get(f"{server.address}reconcile?generation=999")
    assert lost.status == 404
