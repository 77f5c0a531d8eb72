"""The pages of positions: every address, every format, every wrong parameter."""

from __future__ import annotations

import csv
import io
import itertools
import re
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree as ET

import pyoxigraph as ox
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from peninsula import stances
from peninsula.app import create_app
from peninsula.config import Config
from peninsula.dataset.local import LocalDatabase, LocalDataset
from peninsula.policy import Policy
from peninsula.views import positions

from .conftest import BROWSER
from .stance_scene import make_scene

CELL = "/positions?actor=state:russia&topic=topic:sanctions"
_numbers = itertools.count()
_G = "{http://graphml.graphdrawing.org/xmlns}"


@pytest.fixture(scope="module")
def client() -> FlaskClient:
    app = create_app(Config(), LocalDatabase(make_scene()), None)
    return app.test_client()


def page(client: FlaskClient, address: str, status: int = 200, **headers: str) -> str:
    response = client.get(address, headers={**BROWSER, **headers})
    assert response.status_code == status, response.text[:500]
    return response.text


def rows(client: FlaskClient, address: str) -> list[dict[str, str]]:
    response = client.get(address)
    assert response.content_type == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(response.text)))


def names(text: str) -> list[str]:
    """Return the accessible names of the cells of the matrix."""
    return [
        name.replace("&#39;", "'")
        for name in re.findall(r'<a href="[^"]*" aria-label="([^"]+)" data-tip', text)
    ]


def test_a_cell_has_its_stances_in_words(client: FlaskClient) -> None:
    text = page(client, "/positions")
    found = names(text)
    assert (
        "Russia, Sanctions: 1 supports, 1 ambivalent, 1 opposes, contested (different stances on"
        " Resolution 2397 at the same time; claims behind it are in tension with each other)"
    ) in found
    assert "China, Sanctions: 1 supports, 1 opposes" in found
    assert not any(name.startswith("China, Diplomacy") for name in found)
    # Four actors, two topics, five cells with evidence: three gaps, which say so.
    assert len(found) == 5
    assert len(re.findall(r'<td class="is-gap', text)) == 3
    assert text.count("no evidence</span>") == 3


def test_what_only_welcomes_a_state_of_affairs_is_drawn_apart(client: FlaskClient) -> None:
    text = page(client, "/positions?kind=person")
    assert names(text) == ["Putin, Sanctions: 1 opposes"]
    assert text.count('class="cell-glyph is-loose"') == 1 + 1  # the cell and the legend
    assert names(page(client, "/positions?aim=object&kind=person")) == []


def test_a_topic_unfolds_and_folds_by_its_link(client: FlaskClient) -> None:
    text = page(client, "/positions?stance=supports")
    assert "UN sanctions</a>" not in text
    fold = re.search(
        r'<a class="unfold" href="([^"]+)" aria-expanded="false" aria-label="Topics within Sanctions"',
        text,
    )
    assert fold
    address = fold[1].replace("&amp;", "&")
    assert parse_qs(urlsplit(address).query) == {
        "stance": ["supports"],
        "open": ["topic:sanctions"],
    }
    opened = page(client, address)
    assert "UN sanctions</a>" in opened
    assert 'aria-expanded="true" aria-label="Topics within Sanctions"' in opened
    assert "Six-Party Talks</a>" in page(client, "/positions?open=all")


def test_a_day_tells_what_was_held_from_what_was_at_other_times(client: FlaskClient) -> None:
    found = names(page(client, "/positions?on=2017-12-22"))
    assert "China, Sanctions: 1 supports; 1 whose beginning is not known" in found
    assert any(
        name.startswith("Russia, Sanctions: 1 supports, 1 ambivalent")
        and name.endswith("1 at another time")
        for name in found
    )
    assert "Russia, Diplomacy: no evidence; 1 at another time" in found
    both = names(page(client, "/positions?on=2017-12-22&unknown=held"))
    assert "China, Sanctions: 1 supports, 1 opposes" in both


def test_the_days_of_change_before_and_after_are_links(client: FlaskClient) -> None:
    text = page(client, "/positions?on=2017-12-22&actor=state:russia")
    assert "The change before, on 2017-06-01" in text
    assert "The change after, on 2018-01-01" in text
    first = page(client, "/positions?on=2000-01-01")
    assert "The change before" not in first and "The change after, on 2017-01-01" in first


def test_rows_can_stand_by_state(client: FlaskClient) -> None:
    bands = re.findall(r'<th scope="rowgroup"[^>]*><span>([^<]+)', page(client, "/positions"))
    assert bands == ["States", "Groups", "Persons"]
    bands = re.findall(
        r'<th scope="rowgroup"[^>]*><span>([^<]+)', page(client, "/positions?rows=state")
    )
    assert bands == ["Russia", "China"]


def test_a_cell_opens_with_change_dispute_gaps_and_evidence(client: FlaskClient) -> None:
    text = page(client, CELL)
    assert "<h1>Russia on Sanctions</h1>" in text
    order = [
        "Changes of stance", "Along time", "Contested", "By topic", "Positions and their evidence",
        "No evidence until 2016-12-31", "Russia backed the resolution.",
        "No evidence from 2018-01-01 until 2020-12-31", "Nor if China does.",
    ]  # fmt: skip
    after = text[text.index("Positions and their evidence") :]
    assert [after.index(words) for words in order[5:]] == sorted(after.index(w) for w in order[5:])
    assert [text.index(words) for words in order[:5]] == sorted(text.index(w) for w in order[:5])
    assert "The objects differ" in text
    assert "Russia, as reported by The book, as reported by The commentary" in text
    assert "paragraph 4, sentence 3" in text
    assert "Reluctance shows a mixed attitude." in text
    assert "In tension with 2 other claims" in text
    assert 'title="put together from the evidence">2017</time>' in text
    assert "<time>2017-06 – 2017-12</time>" in text
    # Which narrower topic each is on.
    assert 'class="tag within"' in text


def test_the_topic_of_another_kind_of_sanctions_stays_apart(client: FlaskClient) -> None:
    text = page(client, "/positions?actor=person:putin&topic=topic:sanctions")
    assert "Sanctions on Russia</a>" in text
    assert "a state of affairs: Sanctions on Russia" in text
    assert "undated" in text


def test_an_actor_without_positions_has_no_evidence_and_is_not_neutral(client: FlaskClient) -> None:
    text = page(client, "/positions?actor=state:japan&topic=topic:sanctions")
    assert "No evidence." in text
    assert "That is no neutrality" in text


def test_an_actor_and_a_topic_have_pages_of_their_own(client: FlaskClient) -> None:
    actor = page(client, "/positions?actor=state:russia")
    assert "<h1>Positions of Russia</h1>" in actor
    assert 'aria-label="Diplomacy"' in actor  # a row of the timeline
    topic = page(client, "/positions?topic=topic:diplomacy")
    assert "<h1>Positions on Diplomacy</h1>" in topic
    assert "Observers" in topic and "China, Diplomacy" not in topic


def test_actors_stand_side_by_side(client: FlaskClient) -> None:
    for address in ("/positions?", "/positions/compare?"):
        text = page(client, f"{address}actor=state:russia&actor=state:china&open=topic:sanctions")
        assert "<h1>Russia and China</h1>" in text
        verdicts = re.findall(r'<tr class="verdict-(\w+)">', text)
        assert verdicts == ["one", "partly", "none", "partly"]
        assert re.search(r"on UN sanctions on North Korea:\s+same stance", text)
    assert "Choose two actors or more." in page(client, "/positions/compare")


# Data.


def test_the_matrix_as_csv_is_what_its_query_gives(client: FlaskClient) -> None:
    for narrowed in ("", "?on=2017-12-22", "?stance=supports&open=all", "?kind=person&aim=object"):
        sent = rows(client, f"/positions.csv{narrowed}")
        link = re.search(r'href="(/sparql\?query=[^"]+)"', page(client, f"/positions{narrowed}"))
        assert link
        answer = rows(client, f"{link[1].replace('&amp;', '&')}&format=csv")
        chosen = ("actor", "topic", "stance", "positions", "onObjects")
        assert sorted(tuple(row[c] for c in chosen) for row in sent) == sorted(
            tuple(row[c] for c in chosen) for row in answer
        )
    contested = {
        row["actorLabel"] for row in rows(client, "/positions.csv") if row["contested"] == "true"
    }
    assert contested == {"Russia"}


def test_a_cell_as_csv_is_what_its_query_gives(client: FlaskClient) -> None:
    sent = rows(client, CELL.replace("/positions", "/positions.csv"))
    link = re.search(r'href="(/sparql\?query=[^"]+)"', page(client, CELL))
    assert link
    answer = rows(client, f"{link[1].replace('&amp;', '&')}&format=csv")
    chosen = (
        "position",
        "claim",
        "stance",
        "object",
        "from",
        "until",
        "edtf",
        "succeeds",
        "paraphrase",
    )
    assert sorted(tuple(row[c] for c in chosen) for row in sent) == sorted(
        tuple(row[c] for c in chosen) for row in answer
    )
    assert len(sent) == 4
    assert sent[0]["reportedBy"] == "The book < The commentary"


def test_json_says_which_state_and_query_it_is_from(client: FlaskClient) -> None:
    found = client.get(f"{CELL}&format=json").get_json()
    assert found["rows"][0]["stanceLabel"] == "supports"
    assert found["sparql"].startswith("PREFIX pen:")
    assert isinstance(found["generation"], int)
    assert client.get("/positions", headers={"Accept": "application/json"}).get_json()["rows"]


@pytest.mark.parametrize("address", ["/positions", CELL])
def test_data_say_whether_they_are_whole(
    client: FlaskClient, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(format: str) -> TestResponse:
        mark = "&" if "?" in address else "?"
        return client.get(f"{address}{mark}format={format}&n={next(_numbers)}")

    for format in ("csv", "json", "graphml"):
        assert "Peninsula-Complete" not in asked(format).headers
    assert asked("json").get_json()["complete"] is True
    monkeypatch.setattr(stances, "MOST_POSITIONS", 1)
    for format in ("csv", "json", "graphml"):
        assert asked(format).headers["Peninsula-Complete"] == "false"
    assert asked("json").get_json()["complete"] is False


def test_a_matrix_says_what_it_does_not_draw(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "are drawn" not in page(client, "/positions")
    monkeypatch.setattr(positions, "_MOST_ROWS", 2)
    assert re.search(
        r"Of \d+ actors and \d+ topics the first 2 and 100 are drawn",
        page(client, "/positions?lang=en"),
    )


@pytest.mark.parametrize("address", ["/positions.graphml", "/positions.graphml?actor=state:russia"])
def test_graphml_ties_actors_to_topics_by_stance(client: FlaskClient, address: str) -> None:
    response = client.get(address)
    assert response.content_type == "application/graphml+xml"
    graph = ET.fromstring(response.data).find(f"{_G}graph")
    assert graph is not None
    nodes = {node.get("id") for node in graph.iter(f"{_G}node")}
    assert "state:russia" in nodes
    edges = list(graph.iter(f"{_G}edge"))
    assert edges
    assert {e.get("source", "").partition(":")[0] for e in edges} <= {"state", "person", "group"}
    assert {e.get("target", "").partition(":")[0] for e in edges} == {"topic"}


def test_the_links_of_a_page_lead_to_its_data(client: FlaskClient) -> None:
    text = page(client, "/positions?on=2017-12-22&stance=stance:supports")
    links = re.findall(r'<a href="(/positions\.\w+[^"]*)" download>(\w+)', text)
    assert [title for _, title in links] == ["CSV", "JSON", "GraphML"]
    for address, _ in links:
        query = parse_qs(urlsplit(address.replace("&amp;", "&")).query)
        assert query == {"on": ["2017-12-22"], "stance": ["stance:supports"]}
        assert client.get(address.replace("&amp;", "&")).status_code == 200


# What is wrong.


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("on=yesterday", "no day for the parameter"),
        ("on=20171222", "no day for the parameter"),
        ("on=2017-02-30", "no day for the parameter"),
        ("on=2017-12-22&from=2017-01-01", "at the same time"),
        ("from=2018-01-01&until=2017-01-01", "before it begins"),
        ("stance=neutral", "no stance"),
        ("kind=robots", "nothing to choose"),
        ("aim=high", "nothing to choose"),
        ("rows=random", "nothing to choose"),
        ("page=0", "is no number from 1 to"),
        ("page=%C2%B2", "is no number from 1 to"),
        ("topic=topic:sanctions&topic=topic:diplomacy", "given 2 times"),
        ("actor=%3Cscript%3E", "no name for the parameter"),
        ("topic=a%20b", "no name for the parameter"),
        ("&".join(f"actor=state:s{n}" for n in range(7)), "too many"),
    ],
)
def test_a_wrong_parameter_is_named(client: FlaskClient, query: str, words: str) -> None:
    text = page(client, f"/positions?{query}", 400)
    assert words in text
    assert (
        client.get(
            f"/positions?{query}&format=json", headers={"Accept": "application/json"}
        ).status_code
        == 400
    )


def test_what_is_unknown_has_near_names(client: FlaskClient) -> None:
    assert "state:russia (Russia)" in page(client, "/positions?actor=state:rusia", 404)
    assert "topic:sanctions (Sanctions)" in page(client, "/positions?topic=topic:sanction", 404)
    assert "There is no topic “state:russia”" in page(client, "/positions?topic=state:russia", 404)
    page(client, "/positions.pdf", 404)
    assert client.get("/positions?format=pdf").status_code == 406


def test_an_empty_store_has_a_page() -> None:
    nothing = create_app(
        Config(), LocalDatabase(LocalDataset(ox.Store(), Policy())), None
    ).test_client()
    assert "The graph holds no positions." in page(nothing, "/positions")
    assert nothing.get("/positions.csv").text.count("\n") == 1
    page(nothing, "/positions?actor=state:russia", 404)
    page(nothing, "/positions/compare")


def test_what_the_graph_says_is_text_and_no_markup(client: FlaskClient) -> None:
    for address in (
        "/positions",
        "/positions?actor=person:putin&topic=topic:sanctions",
        "/positions?topic=topic:diplomacy",
    ):
        text = page(client, address)
        assert "<b>Observers" not in text and "<script>alert" not in text
        assert " style=" not in text and "<style" not in text and " onclick" not in text
    assert "&lt;script&gt;alert(1)" in page(
        client, "/positions?actor=person:putin&topic=topic:sanctions"
    )


def test_a_page_of_a_past_generation_stays_in_it(client: FlaskClient) -> None:
    text = page(client, "/positions?generation=1")
    cells = re.findall(r'<a href="([^"]*)" aria-label="[^"]+" data-tip', text)
    assert cells and all("generation=1" in cell for cell in cells)
    assert '<input type="hidden" name="generation" value="1">' in text


def test_the_words_come_in_the_language_of_the_reader(client: FlaskClient) -> None:
    found = names(page(client, "/positions?lang=ru"))
    assert any(name.startswith("Россия, Sanctions: 1 поддержка") for name in found)
