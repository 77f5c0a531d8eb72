"""Fixtures of the tests that drive a real browser against a real server.

``address`` is where a server process shows the shipped graph; nothing changes it. ``page`` is a
page of a fresh browser context, wide, with scripts; ``open_page(...)`` makes others: narrow, dark,
without scripts, in another language. Any error in a page's console fails its test, so a broken
script or a blocked style never goes unseen. Without a browser these tests skip, and fail in CI.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, expect, sync_playwright

from peninsula import tokens
from tests.server.processes import Server, lay_store, serving

_BROWSERS: Final = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
)
WIDE: Final = {"width": 1280, "height": 900}
NARROW: Final = {"width": 390, "height": 800}
#: Milliseconds that a test waits for what must come: no promise, but a machine may be busy.
PATIENCE: Final = 45_000

PageMaker = Callable[..., Page]


def _find_browser() -> str | None:
    if named := os.environ.get("PENINSULA_TEST_BROWSER"):
        return named
    return next((path for name in _BROWSERS if (path := shutil.which(name))), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = _find_browser()
    if path is None:
        message = f"there is no browser: none of {', '.join(_BROWSERS)} is installed"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        # Root, as in a container, cannot have Chromium's own sandbox.
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("browser")
    store = lay_store(folder / "store")
    command = [sys.executable, "-m", "peninsula", "serve", "--store", str(store)]
    with serving(command, folder) as server:
        _await_names(server)
        yield server


def _await_names(server: Server) -> None:
    """Wait until the index of names is there, which is made while the server answers already."""
    until = time.monotonic() + 180
    while json.loads(server.get("search?q=russia&format=json"))["provisional"]:
        assert time.monotonic() < until, "the names are not indexed"
        time.sleep(0.2)


@pytest.fixture(scope="session")
def address(server: Server) -> str:
    """Return the address of the server, without a slash at its end."""
    return server.address.rstrip("/")


@dataclass(frozen=True)
class Writable:
    """A server that takes changes, and the token of somebody who may make them."""

    address: str
    token: str

    def send(self, path: str, body: str, content_type: str) -> int:
        """Send a change; return the number of the generation that holds it."""
        request = urllib.request.Request(
            f"{self.address}{path}",
            data=body.encode(),
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": content_type},
        )
        with urllib.request.urlopen(request, timeout=120) as response:
            return int(response.headers["Peninsula-Generation"])

    def update(self, text: str) -> int:
        """Make an update; return the number of the generation that holds it."""
        return self.send("/update", text, "application/sparql-update")


@contextlib.contextmanager
def serving_writable(folder: Path, *options: str) -> Iterator[Writable]:
    """Serve the shipped graph from a store in ``folder`` that may be changed."""
    store = lay_store(folder / "store")
    command = [sys.executable, "-m", "peninsula", "serve", "--store", str(store), *options]
    with serving(command, folder) as server:
        token = tokens.add(store, "tester", "write")
        _await_names(server)
        yield Writable(server.address.rstrip("/"), token)


@pytest.fixture(scope="session")
def writable(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Writable]:  # noqa: ARG001
    """Return a server that tests may change; where there is no browser, none is started."""
    with serving_writable(tmp_path_factory.mktemp("writable"), "--keep", "3") as server:
        yield server


@pytest.fixture
def open_page(browser: Browser, address: str) -> Iterator[PageMaker]:
    """Return what makes a page: ``open_page(narrow=True, scripts=False, dark=True, language="ko")``.

    Errors in the console fail the test at its end, those named in ``page.expected_errors``, parts
    of their texts, excepted.
    """
    pages: list[tuple[Page, list[str], list[str]]] = []
    contexts = []

    def make(
        *,
        narrow: bool = False,
        scripts: bool = True,
        dark: bool = False,
        language: str = "en",
        base: str = address,
        expected_errors: tuple[str, ...] = (),
    ) -> Page:
        context = browser.new_context(
            base_url=base,
            viewport=NARROW if narrow else WIDE,  # type: ignore[arg-type]
            java_script_enabled=scripts,
            color_scheme="dark" if dark else "light",
            locale=language,
            reduced_motion="reduce",
            accept_downloads=True,
        )
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        errors: list[str] = []

        def on_console(message: ConsoleMessage) -> None:
            if message.type == "error":
                errors.append(message.text)

        def on_error(error: Error) -> None:
            errors.append(str(error))

        page.on("console", on_console)
        page.on("pageerror", on_error)
        pages.append((page, errors, list(expected_errors)))
        return page

    yield make
    for context in contexts:
        context.close()
    for _, errors, expected in pages:
        surprising = [e for e in errors if not any(part in e for part in expected)]
        assert not surprising, f"errors in the browser's console: {surprising}"


@pytest.fixture
def page(open_page: PageMaker) -> Page:
    return open_page()


def await_layout(page: Page) -> None:
    """Wait until the page is loaded and has its fonts, by which everything gets its place.

    A network settles then, too.
    """
    page.wait_for_load_state()
    # Fonts are asked for by the first layout, which reading the height brings about.
    # A function, as an expression would be read anew each time, which the pages' policy forbids.
    page.wait_for_function(
        "() => document.body.offsetHeight >= 0 && document.fonts.status === 'loaded'"
    )


def await_quiet(page: Page) -> None:
    """Wait until the page is loaded, and nothing that its scripts ask for has come for a while.

    By the page's own account: what the browser tells of its network from outside gets lost at
    times, and "networkidle" then never comes.
    """
    await_layout(page)
    page.wait_for_function(
        "() => performance.now() > 500 + Math.max("
        "...performance.getEntries().map((entry) => entry.responseEnd ?? 0))"
    )


def assert_fits(page: Page) -> None:
    """Assert that the page is not wider than the window: nothing is cut off on a narrow screen."""
    await_layout(page)
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= page.viewport_size["width"], f"{page.url} is {wide} pixels wide"  # type: ignore[index]


#: Marks for axe-core what is to be judged by its contrast: of everything that is drawn alike (in
#: the same colours, on the same grounds, in the same kind of element) the first few. To judge all
#: of a long page takes it half a minute, for the same verdict.
_CHOOSE: Final = """most => {
  const grounds = new Map([[null, ""]]), counts = new Map();
  const ground = element => {
    if (!grounds.has(element)) {
      const s = getComputedStyle(element);
      const own = [s.backgroundColor, s.backgroundImage, s.opacity, s.filter, s.mixBlendMode,
                   s.position].join();
      const above = ground(element.parentElement);
      const isNone = own === "rgba(0, 0, 0, 0),none,1,none,normal,static";
      grounds.set(element, isNone ? above : `${above};${own}`);
    }
    return grounds.get(element);
  };
  for (const element of document.body.querySelectorAll("*")) {
    const hasText = [...element.childNodes].some(n => n.nodeType === 3 && n.data.trim());
    if (!hasText && !element.matches("input, select, textarea")) continue;
    if (!element.checkVisibility({visibilityProperty: true})) continue;
    const s = getComputedStyle(element);
    const kind = [element.tagName, element.className, element.parentElement.className, s.color,
                  s.fontSize, s.fontWeight, s.textShadow, ground(element)].join("|");
    const count = (counts.get(kind) ?? 0) + 1;
    counts.set(kind, count);
    if (count <= most) element.setAttribute("data-contrast", "");
  }
  axe.configure({rules: [{id: "color-contrast", selector: "[data-contrast]"}]});
}"""
_FORGET: Final = """() => document.querySelectorAll("[data-contrast]").forEach(
  element => element.removeAttribute("data-contrast"))"""


def find_violations(page: Page) -> list[str]:
    """Return what axe-core finds wrong with the page, by WCAG 2.2 A and AA."""
    from axe_playwright_python.base import AXE_SCRIPT  # noqa: PLC0415

    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    # What is right need not be gathered: that takes most of the time on a long page.
    options = {
        "runOnly": {"type": "tag", "values": tags},
        "resultTypes": ["violations"],
        "elementRef": False,
    }
    await_layout(page)
    page.evaluate(AXE_SCRIPT)
    page.evaluate(_CHOOSE, 5)
    found: Any = page.evaluate(
        "options => axe.run(options).then(results => results.violations)", options
    )
    page.evaluate(_FORGET)
    return [
        f"{violation['id']}: {node['html'][:160]} ({node['target']})"
        for violation in found
        for node in violation["nodes"]
    ]


def built_folder() -> Path:
    from peninsula.assets import FOLDER  # noqa: PLC0415

    return FOLDER
