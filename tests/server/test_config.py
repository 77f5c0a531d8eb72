"""One table of settings feeds command line, environment, file and README."""

from __future__ import annotations

import argparse
import contextlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peninsula.config import (
    SETTINGS,
    Config,
    Setting,
    add_options,
    read_environment,
    read_settings,
    service_settings_table,
    settings_table,
)
from peninsula.errors import InvalidSetting
from peninsula.federation.services import WIKIDATA

from .conftest import ROOT

BY_NAME = {setting.name: setting for setting in SETTINGS}


def parse(*arguments: str) -> dict[str, Any]:
    parser = argparse.ArgumentParser()
    add_options(parser)
    return vars(parser.parse_args(arguments))


def test_every_setting_has_a_default_and_an_explanation() -> None:
    for setting in SETTINGS:
        assert setting.help.endswith("."), setting.name
        assert getattr(Config(), setting.name) == setting.default


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda s: s.name)
def test_a_default_as_it_is_shown_reads_as_the_default(setting: Setting) -> None:
    if setting.shown_default:
        assert setting.read(setting.shown_default) == setting.default
    assert (
        setting.default is None
        or setting.kind == "path"
        or type(setting.default)
        is (
            {
                "flag": bool,
                "count": int,
                "bytes": int,
                "duration": float,
                "list": tuple,
                "services": tuple,
            }.get(setting.kind, str)
        )
    )


def test_the_readme_has_the_same_table() -> None:
    assert settings_table() in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_environment_is_read() -> None:
    values = read_environment({"PENINSULA_PORT": "80", "PENINSULA_STORE": "x", "HOME": "/"})
    assert values == {"port": 80, "store": Path("x")}
    assert Config(**values).port == 80


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("cache_bytes", "512MB", 512_000_000),
        ("cache_bytes", "2GiB", 2 * 2**30),
        ("cache_bytes", "1.5 MiB", 3 * 2**19),
        ("cache_bytes", "64k", 65_536),
        ("cache_bytes", "0", 0),
        ("cache_bytes", "1234", 1234),
        ("query_timeout", "30s", 30.0),
        ("query_timeout", "2m", 120.0),
        ("query_timeout", "250ms", 0.25),
        ("query_timeout", "1.5", 1.5),
        ("query_timeout", "1h", 3600.0),
        ("empty", "true", True),
        ("empty", "Off", False),
        ("allow_load", "example.org, [::1]:80,", ("example.org", "[::1]:80")),
        ("allow_load", "", ()),
        ("cors", "https://a.example,http://localhost:3000", ("https://a.example", "http://localhost:3000")),
        ("default_graph", "own", "own"),
        ("port", "0", 0),
    ],
)  # fmt: skip
def test_a_text_is_read(name: str, text: str, value: object) -> None:
    read = BY_NAME[name].read(text)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("port", "eighty", "whole number"),
        ("port", "-1", "must not be negative"),
        ("port", "65536", "at most 65535"),
        ("port", "9" * 5000, "whole number"),
        ("threads", "0", "at least 1"),
        ("keep", "0", "at least 1"),
        ("cache_bytes", "12 parsecs", "a size in bytes"),
        ("cache_bytes", "-1MB", "must not be negative"),
        ("query_timeout", "0", "more than nothing"),
        ("query_timeout", "nan", "a duration"),
        ("query_timeout", "inf", "a duration"),
        ("query_timeout", "soon", "a duration"),
        ("empty", "maybe", "true or false"),
        ("default_graph", "all", "must be one of union, own"),
        ("allow_load", "http://example.org", "not a host"),
        ("allow_load", "*", "not a host"),
        ("cors", "example.org", "not an origin"),
        ("cors", "https://example.org/path", "not an origin"),
        ("contact", "me", "not an address of mail or of the web"),
        ("contact", "me@example.org\r\nCookie: a", "not an address"),
        ("contact", "me@example.org) (x", "not an address"),
        ("services", "wikidata", "is not NAME=IRI"),
        ("services", "a=ftp://example.org/", "only http and https"),
        ("services", "a=file:///etc/passwd", "only http and https"),
        ("services", "a=http://me:secret@example.org/", "carries a user name"),
        ("services", "a=http://example.org/#x", "has a fragment"),
        ("services", "a=http://example.org/é", "characters that no IRI has"),
        ("services", "a=http://0x7f.1/", "not spelled as one"),
        ("services", "a=http://169.254.169.254/", "nobody can be asked"),
        ("services", "A=http://example.org/", "a name is made of"),
        ("services", "search=http://example.org/", "a part of this server"),
        ("services", "my-snapshot=http://example.org/", "a part of this server"),
        ("services", "a=http://example.org/,a=http://example.com/", "the name “a”"),
        ("services", "a=http://example.org/,b=http://example.org/", "the address “http"),
        ("services", "a=", "its address is not told"),
    ],
)
def test_a_wrong_value_is_refused(name: str, text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        BY_NAME[name].read(text)
    with pytest.raises(ValueError, match=f"PENINSULA_{name.upper()}=.*{reason}"):
        read_environment({f"PENINSULA_{name.upper()}": text})


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused_by_a_value_error(text: str) -> None:
    for setting in SETTINGS:
        with contextlib.suppress(ValueError):
            setting.read(text)


def test_command_line_goes_before_environment_before_file_before_default(tmp_path: Path) -> None:
    (tmp_path / "peninsula.toml").write_text("port = 1\nthreads = 11\nkeep = 21\n")
    environ = {"PENINSULA_PORT": "2", "PENINSULA_THREADS": "12"}
    config = read_settings(parse("--port", "3"), environ, tmp_path)
    assert (config.port, config.threads, config.keep) == (3, 12, 21)
    assert config.queue == Config().queue
    assert config.config == tmp_path / "peninsula.toml"


def test_without_anything_the_defaults_hold(tmp_path: Path) -> None:
    assert read_settings({}, {}, tmp_path) == Config()
    assert read_settings({"format": "csv", "port": None}, {}, tmp_path) == Config()


@pytest.mark.parametrize("way", ["option", "variable"])
def test_another_file_can_be_named(tmp_path: Path, way: str) -> None:
    path = tmp_path / "other.toml"
    path.write_text("port = 5")
    (tmp_path / "peninsula.toml").write_text("port = 6")
    given = parse("--config", str(path)) if way == "option" else {}
    environ = {"PENINSULA_CONFIG": str(path)} if way == "variable" else {}
    assert read_settings(given, environ, tmp_path).port == 5


def test_a_file_may_say_everything_in_its_own_types(tmp_path: Path) -> None:
    (tmp_path / "peninsula.toml").write_text(
        'query-timeout = 2.5\nupdate_timeout = "1m"\nupload-timeout = 9\ncache-bytes = "1MiB"\n'
        'max_upload_bytes = 4096\nempty = true\nallow-load = ["example.org"]\nstore = "data"\n'
        'cors = "https://a.example"\nlog_format = "json"\n'
    )
    config = read_settings({}, {}, tmp_path)
    assert config == Config(
        config=tmp_path / "peninsula.toml",
        query_timeout=2.5,
        update_timeout=60.0,
        upload_timeout=9.0,
        cache_bytes=2**20,
        max_upload_bytes=4096,
        empty=True,
        allow_load=("example.org",),
        store=tmp_path / "data",
        cors=("https://a.example",),
        log_format="json",
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("prot = 1", "no setting “prot”. Did you mean “port”?"),
        ("query-timout = 1", "Did you mean “query_timeout”?"),
        ("zzz = 1", "no setting “zzz”. There are: host, port"),
        ("config = 'x'", "no setting “config”"),
        ("[server]\nport = 1", "no setting “server”"),
        ("port = 'eighty'", "port: must be a whole number"),
        ("port = 1.5", "port: must be a whole number"),
        ("port = true", "port: must be a whole number"),
        ("empty = 1", "empty: must be true or false"),
        ("query_timeout = inf", "query_timeout: must be more than nothing"),
        ("query_timeout = nan", "query_timeout: must be more than nothing"),
        ("allow_load = [1]", "allow_load: must be a list of texts"),
        ("host = 1", "host: must be a text"),
        ("cache-bytes = 1\ncache_bytes = 2", "“cache_bytes” stands there twice"),
        ("port = ", "it is not TOML"),
        (b"host = '\xff'", "it is not UTF-8"),
        ("services = 1", "services: must be tables"),
        ("[services]\nx = 1", "x must be a table: [services.x]"),
        ("[services.x]\ntimeout = 1", "x: its address is not told"),
        ("[services.wikidata]\ntimeuot = 1", "wikidata: there is no “timeuot”"),
        ("[services.wikidata]\ntimeout = 0", "wikidata: timeout: must be more than nothing"),
        ("[services.wikidata]\nmax-requests = 0", "max-requests: must be at least 1"),
        ("[services.wikidata]\nhosts = ['http://a']", "hosts: “http://a” is not a host"),
        ("[services.wikidata]\ntrusted = 'perhaps'", "trusted: must be true or false"),
        ("contact = 'a\\nb'", "contact: "),
    ],
)
def test_a_wrong_file_is_one_readable_line(
    tmp_path: Path, content: str | bytes, message: str
) -> None:
    path = tmp_path / "peninsula.toml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InvalidSetting) as raised:
        read_settings({}, {}, tmp_path)
    assert message in str(raised.value)
    assert "peninsula.toml" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_file_that_is_named_must_exist(tmp_path: Path) -> None:
    with pytest.raises(InvalidSetting, match="cannot be read"):
        read_settings({"config": tmp_path / "none.toml"}, {}, tmp_path)


def test_the_example_in_the_documentation_can_be_read(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    example = text.partition("```toml\n")[2].partition("```")[0]
    (tmp_path / "peninsula.toml").write_text(example, encoding="utf-8")
    assert read_settings({}, {}, tmp_path).cache_bytes == 256 * 2**20


def test_services_are_those_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "peninsula.toml").write_text(
        "trusted-services = ['localhost:7200']\n"
        "[services.wikidata]\ntimeout = '30s'\ncache = 0\nhosts = ['query.example.org']\n"
        "[services.own]\naddress = 'http://localhost:7200/repositories/own'\n"
    )
    services = read_settings({}, {}, tmp_path).allowed_services()
    wikidata, own = services
    assert wikidata == replace(WIKIDATA, timeout=30.0, cache=0.0, hosts=("query.example.org",))
    assert wikidata.allowed_hosts == {"query.wikidata.org", "query.example.org"}
    assert own.is_trusted
    assert services.find("peninsula:own") is services.find(own.address) is own


def test_services_are_switched_off() -> None:
    for typed in ({"services": ()}, parse("--no-services"), parse("--services", "")):
        assert not read_settings(typed, {}).allowed_services()
    assert not read_settings({}, {"PENINSULA_SERVICES": "none"}).allowed_services()
    assert list(read_settings({}, {}).allowed_services()) == [WIKIDATA]


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        (["--services", "a=http://localhost/"], "localhost is inside of a network"),
        (["--services", "a=http://10.1.2.3:80/"], "10.1.2.3 is inside of a network"),
        (["--services", "a=http://[::1]/"], "::1 is inside of a network"),
        (["--trusted-services", "query.example.org"], "no service is at query.example.org"),
        (
            ["--services", "a=http://localhost:81/", "--trusted-services", "localhost"],
            "no service is at localhost",
        ),
    ],
)
def test_what_is_inside_must_be_trusted_by_name(typed: list[str], message: str) -> None:
    with pytest.raises(InvalidSetting, match=message) as raised:
        read_settings(parse(*typed), {})
    assert "\n" not in str(raised.value)


def test_the_documentation_has_the_table_of_a_service() -> None:
    text = (ROOT / "docs" / "federation.md").read_text(encoding="utf-8")
    assert service_settings_table() in text


def test_a_flag_has_two_options() -> None:
    assert parse("--empty") == {"empty": True}
    assert parse("--no-empty") == {"empty": False}
    assert parse() == {}


def test_a_wrong_option_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse("--query-timeout", "soon")
    assert "--query-timeout: must be a duration" in capsys.readouterr().err
