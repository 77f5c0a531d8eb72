"""The wheel, installed alone in an empty folder, serves the shipped graph and validates it."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path
from urllib.parse import quote

import pytest

from peninsula import __version__

from .conftest import ROOT
from .processes import serving

pytest.importorskip("hatchling", reason="hatchling builds the wheel")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    command = [
        sys.executable,
        "-m",
        "hatchling",
        "build",
        "--target",
        "wheel",
        "--directory",
        str(folder),
    ]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the command of a fresh environment that has the wheel and nothing else of ours.

    What the wheel depends on is taken from the environment of the tests, so that no network is
    needed; our own package is not, because it is only linked there.
    """
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    site = Path(sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    # Plain folders on the path: the .pth file that links the repository is not read there.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    where = "import peninsula, pathlib; print(pathlib.Path(peninsula.__file__).parent)"
    found = subprocess.run([str(python), "-c", where], check=True, capture_output=True, text=True)
    assert Path(found.stdout.strip()) == site / "peninsula"
    return python


def test_the_wheel_holds_package_and_knowledge(wheel: Path) -> None:
    assert wheel.name == f"peninsula-{__version__}-py3-none-any.whl"
    names = set(zipfile.ZipFile(wheel).namelist())
    for name in (
        "peninsula/py.typed",
        "peninsula/templates/home.html",
        "peninsula/static/icon.svg",
        "peninsula/static/built/manifest.json",
        "peninsula/static/built/LICENCES.txt",
        "peninsula/translations/ko.po",
        "peninsula/knowledge/data/manifest.ttl",
        "peninsula/knowledge/ontology/peninsula.ttl",
        f"peninsula-{__version__}.dist-info/licenses/LICENSE",
        f"peninsula-{__version__}.dist-info/licenses/LICENSE-DATA",
    ):
        assert name in names
    for kind, folder in (("ttl", "data"), ("ttl", "ontology"), ("rq", "queries")):
        shipped = {
            f"peninsula/knowledge/{p.relative_to(ROOT)}" for p in (ROOT / folder).rglob(f"*.{kind}")
        }
        assert shipped
        assert shipped <= names
    built = json.loads(zipfile.ZipFile(wheel).read("peninsula/static/built/manifest.json"))
    assert {"site.css", "site.js", "sparql.js"} <= set(built)
    assert {f"peninsula/static/built/{name}" for name in built.values()} <= names


def test_the_source_distribution_holds_everything_to_build_and_test(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "hatchling",
        "build",
        "--target",
        "sdist",
        "--directory",
        str(tmp_path),
    ]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    archive = next(tmp_path.glob("*.tar.gz"))
    listing = subprocess.run(
        ["tar", "-tzf", str(archive)], check=True, capture_output=True, text=True
    )
    names = {line.partition("/")[2] for line in listing.stdout.splitlines()}
    wanted = {"pyproject.toml", "Makefile", ".ci/run", "README.md", "tests/server/test_wheel.py"}
    assert wanted <= names
    # With what was built, so that a wheel can be made of it without Node and without a network.
    assert {"server/peninsula/static/built/sources.sha256", "server/web/package-lock.json"} <= names
    assert not any("node_modules" in name for name in names)


def test_it_serves_and_validates_alone(installed: Path, tmp_path: Path) -> None:
    command = [str(installed), "-m", "peninsula"]
    with serving([*command, "serve"], tmp_path) as server:
        ready = json.loads(server.get("ready"))
        assert ready["triples"] > 10_000
        query = quote("SELECT (COUNT(?c) AS ?n) { ?c a pen:Claim }")
        assert server.get(f"sparql?format=csv&query={query}") == b"n\r\n209\r\n"
        assert b"on whose word" in server.get("", accept="text/html")
        assert b"Validating" in (tmp_path / "server.log").read_bytes()
    bad = tmp_path / "bad.ttl"
    text = "PREFIX pen: <https://w3id.org/peninsula/ns#>\n<http://example.org/v> a pen:Vote .\n"
    bad.write_text(text, encoding="utf-8")
    done = subprocess.run(
        [*command, "validate", "bad.ttl", "--format", "json"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert json.loads(done.stdout)["violations"] > 0
