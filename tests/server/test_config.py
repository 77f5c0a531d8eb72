"""One table of settings feeds the command line, the environment and the README."""

from __future__ import annotations

from pathlib import Path

import pytest

from peninsula.config import SETTINGS, Config, read_environment

from .conftest import ROOT


def test_every_setting_has_a_default_and_an_explanation() -> None:
    for setting in SETTINGS:
        assert setting.help.endswith("."), setting.name
        assert getattr(Config(), setting.name) == setting.default


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda s: s.name)
def test_the_readme_has_the_same_table(setting: object) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    default = "" if setting.default is None else f"`{setting.default}`"  # type: ignore[attr-defined]
    row = f"| `{setting.option}` | {default} | {setting.help} |"  # type: ignore[attr-defined]
    assert row in readme


def test_the_environment_is_read() -> None:
    values = read_environment({"PENINSULA_PORT": "80", "PENINSULA_STORE": "x", "HOME": "/"})
    assert values == {"port": 80, "store": Path("x")}
    assert Config(**values).port == 80


@pytest.mark.parametrize(
    ("name", "value"), [("PORT", "eighty"), ("PORT", "-1"), ("DEFAULT_GRAPH", "all")]
)
def test_a_wrong_value_in_the_environment_is_named(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=f"PENINSULA_{name}={value}"):
        read_environment({f"PENINSULA_{name}": value})
