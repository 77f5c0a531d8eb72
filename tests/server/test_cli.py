"""Every command does what its help says; a mistake is one readable line and an exit code."""

from __future__ import annotations

import io
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyoxigraph as ox
import pytest

from peninsula import __version__, cli
from peninsula.commands.asking import _guess_term
from peninsula.dataset.generations import Generations
from peninsula.namespaces import PREFIXES, expand

from .conftest import SCENE

HEAD = "".join(f"PREFIX {prefix}: <{iri}>\n" for prefix, iri in PREFIXES.items())
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(
    capfdbinary: pytest.CaptureFixture[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Run:
    """Run a command in an empty folder; return its exit code and what it printed."""
    monkeypatch.chdir(tmp_path)

    def run_command(*arguments: str, knowledge: Path | None = SCENE) -> tuple[int, str, str]:
        more = [] if knowledge is None else ["--knowledge", str(knowledge)]
        try:
            code = cli.main([*arguments, *more])
        except SystemExit as exit_:
            code = int(exit_.code or 0)
        out, err = capfdbinary.readouterr()
        return code, out.decode(), err.decode()

    return run_command


def last(text: str) -> str:
    return text.strip().splitlines()[-1]


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize(
    "command",
    [
        "serve", "query", "validate", "import", "check", "export", "format", "derive", "load",
        "history list", "history show", "history diff", "history pin", "history unpin",
        "history prune", "backup", "restore", "token add", "token list", "token revoke",
    ],
)  # fmt: skip
def test_help_is_enough_to_learn_it(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = command.split()
    for count, word in enumerate(words):
        for arguments in ([*words[:count], "--help"], [*words[: count + 1], "--help"]):
            with pytest.raises(SystemExit) as caught:
                cli.main(arguments)
            assert caught.value.code == 0
            assert word in capsys.readouterr().out


def test_the_version_stands_in_one_place(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--version"])
    assert capsys.readouterr().out == f"peninsula {__version__}\n"


# query


def test_a_question_by_name(run: Run) -> None:
    code, out, err = run("query", "summits-of", "--param", "state=state:russia", "--format", "csv")
    assert code == 0
    assert out.splitlines()[1].startswith(f"{expand('state:russia')},Russia,")
    assert "Validating" in err  # the first command builds the store
    code, again, err = run("query", "summits-of", "--examples", "--format", "csv")
    assert (code, again, err) == (0, out, "")


@pytest.mark.parametrize(
    ("format", "words"),
    [
        ("json", '"bindings"'), ("xml", "<sparql"), ("csv", "s\r\n"), ("tsv", "?s\n"),
        ("table", "Hanoi summit"),
    ],
)  # fmt: skip
def test_solutions_in_every_format(run: Run, format: str, words: str) -> None:
    code, out, _ = run("query", "SELECT ?s { ?s a pen:Summit }", "--format", format)
    assert code == 0
    assert words in out


def test_a_table_too_wide_for_the_terminal_is_printed_in_blocks(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "24")
    query = "SELECT ?summit ?day ?place { ?summit pen:from ?day ; pen:takesPlaceAt ?place }"
    _, out, _ = run("query", query, "--format", "table")
    assert "── 1 ──\nsummit  Hanoi summit\n   day  2019-02-27\n place  Hanoi\n" in out


@pytest.mark.parametrize("format", ["turtle", "ntriples", "jsonld", "rdfxml", "trig", "nquads"])
def test_triples_in_every_format(run: Run, format: str) -> None:
    code, out, _ = run("query", "DESCRIBE event:hanoi", "--format", format)
    assert code == 0
    assert "hanoi" in out


def test_a_file_a_stream_and_a_variable(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    query = "SELECT ?state ?s { ?s pen:participant ?state }"
    Path("query.rq").write_text(query, encoding="utf-8")
    _, from_file, _ = run("query", "query.rq", "--param", "state=state:russia")
    monkeypatch.setattr(sys, "stdin", io.StringIO(query))
    _, from_stream, _ = run("query", "-", "--param", "?state=state:russia")
    assert from_file == from_stream
    assert len(from_file.splitlines()) == 2
    _, of_file, _ = run("query", str(SCENE / "queries" / "summits-of.rq"), "--examples")
    assert "vladivostok" in of_file


@pytest.mark.parametrize(
    ("value", "term"),
    [
        ("12", ox.Literal(12)),
        ("2019-02-27", ox.Literal("2019-02-27", datatype=ox.NamedNode(expand("xsd:date")))),
        ("state:russia", ox.NamedNode(expand("state:russia"))),
        ("<http://example.org/a>", ox.NamedNode("http://example.org/a")),
        ("two words: x", ox.Literal("two words: x")),
        ("", ox.Literal("")),
    ],
)
def test_a_value_without_a_type_is_guessed(value: str, term: ox.NamedNode | ox.Literal) -> None:
    assert _guess_term(value) == term


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nothing-here",), "There is no question “nothing-here”"),
        (("missing.rq",), "missing.rq: there is no such file"),
        (("summits-of",), "needs the parameter “state”: A state. Example: state:russia"),
        (("summits-of", "--param", "state"), "Write --param name=value"),
        (("SELECT * {",), "Line 1, column 10: “{” is never closed"),
        (("SELECT * { SERVICE <http://a/> {} }",), "is not one that this server asks"),
        (("ASK {}", "--format", "turtle"), "On offer: json, xml, csv, tsv"),
    ],
)
def test_a_query_that_cannot_be_answered(run: Run, arguments: tuple[str, ...], words: str) -> None:
    code, out, err = run("query", *arguments)
    assert (code, out) == (2, "")
    assert words in last(err)


# validate


def test_a_file_that_conforms(run: Run) -> None:
    text = (
        'event:new a pen:Summit ; pen:from "2020-01-01"^^xsd:date ; pen:takesPlaceAt place:hanoi .'
    )
    Path("new.ttl").write_text(HEAD + text, encoding="utf-8")
    code, out, err = run("validate", "new.ttl")
    assert code == 0
    assert out.startswith("1 focus node of 1 shape in ")
    assert out.endswith("\nConforms: 0 violations, 0 warnings.\n")
    assert "Validating" in err


@pytest.mark.parametrize("format", ["text", "turtle", "json", "csv"])
def test_a_file_that_does_not_conform(run: Run, format: str) -> None:
    Path("new.ttl").write_text(HEAD + "event:new a pen:Summit .", encoding="utf-8")
    code, out, _ = run("validate", "new.ttl", "--format", format)
    assert code == 1
    assert "A summit has one first day" in out
    if format == "json":
        assert json.loads(out)["conforms"] is False


def test_a_file_that_cannot_be_judged(run: Run) -> None:
    Path("new.ttl").write_text("event:new a pen:Summit .", encoding="utf-8")
    code, out, err = run("validate", "new.ttl")
    assert (code, out) == (2, "")
    assert last(err).startswith("peninsula: new.ttl:1: column 1: ")


# check, export, format, derive


def test_check_is_silent_about_what_is_in_order(run: Run) -> None:
    code, out, _ = run("check")
    assert (code, out) == (0, "0 errors, 0 warnings, 0 notes\n")


def test_check_wants_to_know_where_a_service_is(run: Run) -> None:
    code, out, err = run("check", "--service", "wikidata")
    assert (code, out) == (2, "")
    assert last(err).endswith("“wikidata” is not NAME=IRI. Write --service wikidata=IRI.")
    # No question of the scene asks one; so none is asked, wherever it is.
    code, out, _ = run("check", "--service", "wikidata=http://127.0.0.1:1/")
    assert (code, out) == (0, "0 errors, 0 warnings, 0 notes\n")


def test_check_counts_what_is_not(run: Run, copy: Path) -> None:
    change(copy / "tests/queries/expected/summits.csv", "2019-02-27", "2019-02-26")
    change(copy / "data/scene/summits.ttl", "pen:takesPlaceAt place:hanoi ;", "")
    code, out, _ = run("check", knowledge=copy)
    assert code == 1
    lines = out.splitlines()
    assert lines[-1] == "2 errors, 1 warning, 0 notes"
    assert lines[0].startswith("warning: shape pensh:SummitShape-takesPlaceAt: event:hanoi: ")


def test_export_of_everything_and_of_one_graph(run: Run) -> None:
    _, quads, _ = run("export", "--format", "nquads")
    assert len(quads.splitlines()) > 50
    _, triples, _ = run("export", "--graph", "graph:scene", "--format", "ntriples")
    assert 20 < len(triples.splitlines()) < len(quads.splitlines())
    _, trig, _ = run("export")
    assert len(list(ox.parse(trig.encode(), format=ox.RdfFormat.TRIG))) == len(quads.splitlines())
    code, _, err = run("export", "--graph", "graph:none")
    assert code == 2
    assert "There is no named graph" in last(err)


def test_format_lays_out_and_checks(run: Run, copy: Path) -> None:
    path = copy / "data" / "scene" / "summits.ttl"
    before = path.read_text(encoding="utf-8")
    assert run("format", "--check", knowledge=copy)[:2] == (0, "")
    path.write_text(before.replace("    ", "  "), encoding="utf-8")
    code, out, _ = run("format", "--check", knowledge=copy)
    assert code == 1
    assert "summits.ttl: would be laid out anew" in out
    assert run("format", str(path), knowledge=copy)[0] == 0
    assert path.read_text(encoding="utf-8") == before


def test_derive_writes_and_checks(run: Run, copy: Path) -> None:
    (copy / "data" / "positions").mkdir()
    assert run("derive", "--check", knowledge=copy)[0] == 1
    assert run("derive", knowledge=copy)[0] == 0
    assert run("derive", "--check", knowledge=copy)[:2] == (0, "")


# history, backup, restore, load, token

TRIPLES = "".join(f'<x:s{n}> <x:p> "{n}" .\n' for n in range(5))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where the store of ``store`` lies once it is made, to be copied."""
    return tmp_path_factory.mktemp("made") / "s"


@pytest.fixture
def store(run: Run, made: Path) -> Run:
    """Return ``run`` for a store “s” of two generations, of five and of six triples."""
    Path("five.nt").write_text(TRIPLES, encoding="utf-8")
    Path("six.ttl").write_text("<x:s> <x:p> 'six' .", encoding="utf-8")

    def run_on_store(*arguments: str, knowledge: Path | None = None) -> tuple[int, str, str]:
        return run(*arguments, "--store", "s", knowledge=knowledge)

    if made.exists():
        shutil.copytree(made, "s")
        return run_on_store
    assert run_on_store("load", "five.nt")[0] == 0
    code, out, err = run_on_store("load", "six.ttl", "--graph", "http://example.org/g")
    assert (code, out) == (0, "Generation 2: 1 triple more, 6 in all.\n")
    assert "Loading six.ttl" in err
    shutil.copytree("s", made)
    return run_on_store


def patch_lines(text: str) -> list[str]:
    """Return the lines of an RDF Patch that add and remove."""
    return sorted(line for line in text.splitlines() if line[:2] in {"A ", "D "})


def test_a_loaded_store_can_be_asked(store: Run) -> None:
    code, out, _ = store("export", "--format", "nquads", knowledge=SCENE)
    assert code == 0
    assert '<x:s> <x:p> "six" <http://example.org/g> .' in out
    assert '<x:s0> <x:p> "0" .' in out


def test_history_lists_and_shows(store: Run) -> None:
    code, out, _ = store("history", "list")
    assert code == 0
    assert "load of" in out
    assert "operator" in out
    code, out, _ = store("history", "show", "2")
    assert code == 0
    assert "load of six.ttl" in out
    assert out.startswith("H ")


def test_history_compares_two_generations(store: Run) -> None:
    code, out, err = store("history", "diff", "1", "2")
    assert (code, last(err)) == (0, "1 added, 0 removed")
    assert patch_lines(out) == ['A <x:s> <x:p> "six" <http://example.org/g> .']
    code, out, err = store("history", "diff", "2", "1")
    assert (code, last(err)) == (0, "0 added, 1 removed")
    assert patch_lines(out) == ['D <x:s> <x:p> "six" <http://example.org/g> .']


def test_history_pins_and_prunes(store: Run) -> None:
    assert store("history", "pin", "1") == (0, "", "")
    assert "1 (pinned)" in store("history", "list")[1]
    assert store("load", "five.nt", "--graph", "x:g")[0] == 0
    assert store("history", "prune", "--keep", "1") == (0, "removed: 2\n", "")
    assert store("history", "unpin", "1")[0] == 0
    assert store("history", "prune", "--keep", "1") == (0, "removed: 1\n", "")
    assert store("history", "prune", "--keep", "1") == (0, "removed: none\n", "")
    # The patch is the audit trail: it outlives the generation.
    assert store("history", "show", "2")[0] == 0


def test_backup_and_restore_give_the_same_dataset(store: Run) -> None:
    _, before, _ = store("history", "diff", "1", "2")
    code, out, _ = store("backup", "copy")
    assert (code, out) == (0, "copy: generation 2, 6 triples.\n")
    assert store("backup", "old", "--generation", "1")[1] == "old: generation 1, 5 triples.\n"
    code, out, _ = store("restore", "old")
    assert (code, out) == (0, "Generation 3: 5 triples.\n")
    code, out, _ = store("restore", "copy")
    assert (code, out) == (0, "Generation 4: 6 triples.\n")
    assert patch_lines(store("history", "diff", "2", "4")[1]) == []
    assert patch_lines(store("history", "diff", "3", "4")[1]) == patch_lines(before)


def test_a_backup_is_a_store(store: Run, run: Run) -> None:
    store("backup", "copy")
    assert "load of six.ttl" in run("history", "show", "2", "--store", "copy", knowledge=None)[1]
    code, out, _ = run("load", "five.nt", "--store", "copy", "--graph", "x:g", knowledge=None)
    assert (code, out) == (0, "Generation 3: 5 triples more, 11 in all.\n")
    assert "6" in store("history", "list")[1], "the first store is as it was"


def test_tokens_are_made_listed_and_revoked(store: Run) -> None:
    code, out, err = store("token", "add", "me", "--role", "write")
    assert (code, err) == (0, "")
    assert out.startswith("pen_")
    assert len(out.splitlines()) == 1
    listed = store("token", "list")[1]
    assert "me" in listed
    assert "write" in listed
    assert out.strip() not in listed + Path("s/tokens.json").read_text(encoding="utf-8")
    assert store("token", "revoke", "me") == (0, "", "")
    assert "me" not in store("token", "list")[1].replace("name", "")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("load", "missing.nt"), "missing.nt: there is no such file"),
        (("load", "six.docx"), "“.docx” is the ending of no RDF format"),
        (("load", "bad.nt"), "bad.nt:2: "),
        (("load", "five.nt", "--graph", "no iri"), "“no iri” is no IRI"),
        (("history", "show", "9"), "There is no patch of generation 9 in s"),
        (("history", "diff", "1", "9"), "There is no generation 9 here. Kept are 1, 2."),
        (("history", "pin", "9"), "There is no generation 9 here"),
        (("backup", "s"), "s is not empty. Name a folder that does not exist yet."),
        (("backup", "new", "--generation", "9"), "There is no generation 9 here"),
        (("restore", "nowhere"), "nowhere is no backup: there is no CURRENT"),
        (("token", "add", "no name", "--role", "write"), "“no name” cannot be the name of a token"),
        (("token", "revoke", "nobody"), "There is no token “nobody”. Tokens: none."),
    ],
)
def test_what_an_operator_cannot_do_is_one_line(
    store: Run, arguments: tuple[str, ...], words: str
) -> None:
    Path("bad.nt").write_text("<x:a> <x:b> <x:c> .\n<x:a> <x:b> .\n", encoding="utf-8")
    Path("six.docx").write_text("", encoding="utf-8")
    before = Path("s/CURRENT").read_text(encoding="ascii")
    code, out, err = store(*arguments)
    assert (code, out) == (2, "")
    assert last(err).startswith("peninsula: ")
    assert words in last(err)
    assert Path("s/CURRENT").read_text(encoding="ascii") == before


@pytest.mark.parametrize(
    "arguments",
    [("load", "five.nt"), ("history", "prune"), ("restore", "copy")],
)
def test_a_store_that_a_server_holds_is_not_changed(store: Run, arguments: tuple[str, ...]) -> None:
    store("backup", "copy")
    with Generations(Path("s")).locked():
        code, out, err = store(*arguments)
        assert (code, out) == (2, "")
        assert f"The store s is in use by process {os.getpid()}" in last(err)
        if arguments[0] == "load":
            assert "curl -T FILE" in last(err)
        # What only looks, or copies, is not kept from it.
        assert store("history", "list")[0] == 0
        assert store("backup", f"copy-{arguments[0]}")[0] == 0
        assert store("token", "add", "me", "--role", "read")[0] == 0


@pytest.mark.parametrize(
    "arguments", [("history",), ("token",), ("history", "fly"), ("token", "add", "me"), ("load",)]
)
def test_half_a_command_is_told(run: Run, arguments: tuple[str, ...]) -> None:
    code, out, err = run(*arguments, knowledge=None)
    assert (code, out) == (2, "")
    assert "usage: peninsula" in err


# Bad input: one readable line with file, line and remedy, and an exit code


def malformed(copy: Path) -> None:
    change(copy / "data/scene/summits.ttl", "place:hanoi\n", "plaze:hanoi\n")


def header(copy: Path) -> None:
    change(copy / "queries/summits.rq", "#+ tags: [", "#+ tags: [[")


def shape(copy: Path) -> None:
    change(copy / "ontology/shapes/events.shapes.ttl", "sh:targetClass", "sh:targetClas")


def manifest(copy: Path) -> None:
    change(copy / "data/manifest.ttl", "data/scene/", "data/scenery/")


def violation(copy: Path) -> None:
    change(copy / "data/scene/summits.ttl", "2019-02-28", "2019-02-26")


def no_knowledge(copy: Path) -> None:
    (copy / "data/manifest.ttl").unlink()


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (malformed, ["data/scene/summits.ttl:", "plaze", "Mend the Turtle"]),
        (header, ["queries/summits.rq:3: ", "quotes"]),
        (shape, ["events.shapes.ttl:", "sh:targetClas is no term", "Did you mean sh:targetClass"]),
        (manifest, ["data/manifest.ttl", "scenery", "Name a folder"]),
        (violation, ["event:hanoi", "Mend pen:from or pen:until", "peninsula check"]),
        (no_knowledge, ["manifest.ttl is missing", "--knowledge"]),
    ],
)
def test_bad_knowledge_stops_the_server_with_one_line(
    run: Run, copy: Path, damage: Callable[[Path], None], words: list[str]
) -> None:
    damage(copy)
    code, out, err = run("serve", "--port", "0", knowledge=copy)
    assert (code, out) == (2, "")
    assert last(err).startswith("peninsula: ")
    assert "Traceback" not in err
    for word in words:
        assert word in last(err)


def test_a_port_in_use(run: Run) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, _, err = run("serve", "--port", str(port))
    assert code == 2
    assert err == (
        f"peninsula: Cannot listen on 127.0.0.1:{port}: the port is in use. "
        "Choose another with --port (0 takes a free one), or stop what is using it.\n"
    )


def test_an_address_that_is_not_ours(run: Run) -> None:
    code, _, err = run("serve", "--host", "192.0.2.1", "--port", "0")
    assert code == 2
    assert "does not have that address" in err


def test_a_store_that_cannot_be_written(run: Run) -> None:
    Path("file").write_text("", encoding="utf-8")
    code, _, err = run("query", "ASK {}", "--store", "file")
    assert code == 2
    assert "The store file cannot be used" in last(err)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("serve", "--port", "many"), "argument --port"),
        (("serve", "--default-graph", "all"), "must be one of union, own"),
        (("query", "ASK {}", "--format", "docx"), "argument --format"),
        (("fly",), "invalid choice"),
    ],
)
def test_wrong_options_are_named(run: Run, arguments: tuple[str, ...], words: str) -> None:
    code, _, err = run(*arguments)
    assert code == 2
    assert words in err


def test_a_wrong_environment_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PENINSULA_PORT", "many")
    code, _, err = run("check")
    assert code == 2
    assert "PENINSULA_PORT=many" in err


def test_whoever_stops_reading_is_not_told_off(tmp_path: Path) -> None:
    command = f"{sys.executable} -m peninsula export --knowledge {SCENE} --format nquads | head -1"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert len(done.stdout.splitlines()) == 1
    assert "Traceback" not in done.stderr


def test_nobody_waits_for_what_other_commands_need() -> None:
    code = (
        "import sys; from peninsula.cli import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "print({'flask', 'pyoxigraph', 'pyshacl', 'rich'} & sys.modules.keys())"
    )
    command = [sys.executable, "-c", code]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert told.splitlines()[-1] == "set()"
