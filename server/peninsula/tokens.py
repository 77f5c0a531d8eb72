"""Who may do what, by which token?

The tokens of a store are in ``tokens.json`` in its folder, each by the SHA-256 of its text. A
token is 256 random bits, which nobody guesses however fast the hash is: a slow one, made for
passwords, would only cost every request time. The file is replaced whole, under a lock, so that
``peninsula token`` may run while a server reads it; the server sees a change at the next request.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import json
import os
import re
import secrets
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from peninsula.errors import Forbidden, InvalidToken, ProtocolError, Unauthorized, display_path
from peninsula.files import sync

#: From the least to the greatest; each may do what those before it may.
ROLES: Final = ("read", "write", "admin")
FILE: Final = "tokens.json"
PREFIX: Final = "pen_"

_LOCK: Final = "tokens.lock"
_VERSION: Final = 1
_RANDOM_BYTES: Final = 32
# Names go into the log and the history, roles into the file.
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
# RFC 6750, section 2.1: b64token.
_CREDENTIALS: Final = re.compile(r"[A-Za-z0-9._~+/-]+=*")
_LONGEST: Final = 512


@dataclass(frozen=True)
class Identity:
    """Who asks: the name of a token, and the token's role."""

    name: str
    role: str

    def may(self, role: str) -> bool:
        """Return whether this role includes ``role``."""
        return ROLES.index(self.role) >= ROLES.index(role)

    def require(self, role: str) -> None:
        """Raise Forbidden where this role does not include ``role``."""
        if not self.may(role):
            raise Forbidden(
                f"The token “{self.name}” has the role “{self.role}”; this needs “{role}”.",
                f"Use a token with the role {role}.",
                role=role,
            )


@dataclass(frozen=True)
class Entry:
    """One token as it is stored: ``created`` is an ISO 8601 time, ``sha256`` 64 hex digits."""

    name: str
    role: str
    created: str
    sha256: str

    @property
    def identity(self) -> Identity:
        """Return who bears this token."""
        return Identity(self.name, self.role)


def add(folder: Path, name: str, role: str) -> str:
    """Add a token to the store in ``folder`` and return its text, which is kept nowhere.

    Raises InvalidToken where the name is taken or malformed, the role none of ``ROLES``, or
    the file cannot be read or written.
    """
    if not _NAME.fullmatch(name):
        raise InvalidToken(
            f"“{name}” cannot be the name of a token.",
            "Take up to 64 letters, digits and . _ @ + -, the first a letter or digit.",
        )
    if role not in ROLES:
        raise InvalidToken(f"There is no role “{role}”.", f"Roles are {', '.join(ROLES)}.")
    text = PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)
    with _locked(folder):
        entries = _read(folder / FILE)
        if any(entry.name == name for entry in entries):
            raise InvalidToken(
                f"There is a token “{name}” already.",
                f"Take another name, or revoke it first: peninsula token revoke {name}",
            )
        created = datetime.now(UTC).isoformat(timespec="seconds")
        _write(folder, [*entries, Entry(name, role, created, _digest(text))])
    return text


def list_tokens(folder: Path) -> Sequence[Entry]:
    """Return the tokens of the store in ``folder``, oldest first; raises InvalidToken."""
    return _read(folder / FILE)


def revoke(folder: Path, name: str) -> None:
    """Remove a token; raises InvalidToken where there is none of this name."""
    with _locked(folder):
        entries = _read(folder / FILE)
        kept = [entry for entry in entries if entry.name != name]
        if len(kept) == len(entries):
            names = ", ".join(entry.name for entry in entries) or "none"
            raise InvalidToken(f"There is no token “{name}”.", f"Tokens: {names}.")
        _write(folder, kept)


class Tokens:
    """The tokens of a store, as a server looks them up: always those of the file as it is now."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._lock = threading.Lock()
        self._stamp: tuple[int, int, int] | None = None
        self._entries: Sequence[Entry] = ()

    def identify(self, token: str) -> Identity | None:
        """Return who bears ``token``, or None; raises InvalidToken where the file is damaged.

        Takes the same time whichever token it is, and whether it is one or not.
        """
        digest = _digest(token)
        found: Identity | None = None
        for entry in self._current():
            if hmac.compare_digest(entry.sha256, digest):
                found = entry.identity
        return found

    def authorize(self, header: str | None, role: str) -> Identity:
        """Return who sent an Authorization header, if its token's role includes ``role``.

        Raises Unauthorized (no token, or unknown), Forbidden (role too small), ProtocolError
        (a malformed header) and InvalidToken (a damaged file: nobody gets in).
        """
        token = read_bearer(header)
        if token is None:
            raise Unauthorized(
                "This needs a token.",
                f"Send “Authorization: Bearer …”; make one: peninsula token add NAME --role {role}",
            )
        identity = self.identify(token)
        if identity is None:
            raise Unauthorized(
                "The token is not known here, or was revoked.",
                "Ask whoever runs this server for another.",
                reason="invalid_token",
            )
        identity.require(role)
        return identity

    def _current(self) -> Sequence[Entry]:
        try:
            status = self._path.stat()
        except FileNotFoundError:
            with self._lock:
                self._stamp, self._entries = None, ()
            return ()
        except OSError as error:
            raise _unreadable(self._path, error) from None
        stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
        with self._lock:
            if stamp != self._stamp:
                # What was known before does not count once the file cannot be read.
                self._stamp, self._entries = None, ()
                self._entries = _read(self._path)
                self._stamp = stamp
            return self._entries


def read_bearer(header: str | None) -> str | None:
    """Return the token of an Authorization header, or None where there is no header (RFC 6750).

    Raises Unauthorized for another scheme than Bearer, and ProtocolError for a header that
    names Bearer but holds no token.
    """
    if header is None or not header.strip():
        return None
    scheme, _, credentials = header.strip().partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthorized(
            "The Authorization header has another scheme than Bearer.",
            "Send “Authorization: Bearer …” with a token.",
        )
    token = credentials.strip(" ")
    if len(token) > _LONGEST or not _CREDENTIALS.fullmatch(token):
        raise ProtocolError(
            "The Authorization header holds no well-formed token.",
            "Send “Authorization: Bearer …” with one token and nothing else.",
        )
    return token


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep other processes from changing the tokens meanwhile.

    The lock has a file of its own: the one that holds the tokens is replaced by another.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _unwritable(folder, error) from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _read(path: Path) -> list[Entry]:
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise _unreadable(path, error) from None
    except (ValueError, RecursionError):
        raise _damaged(path) from None
    if not isinstance(content, dict) or content.get("version") != _VERSION:
        raise _damaged(path)
    rows = content.get("tokens")
    if not isinstance(rows, list):
        raise _damaged(path)
    entries = [_read_entry(row, path) for row in rows]
    if len({entry.name for entry in entries}) != len(entries):
        raise _damaged(path)
    return entries


def _read_entry(row: object, path: Path) -> Entry:
    if not isinstance(row, dict):
        raise _damaged(path)
    values = [row.get(name) for name in ("name", "role", "created", "sha256")]
    texts = [value for value in values if isinstance(value, str)]
    if len(texts) < len(values):
        raise _damaged(path)
    entry = Entry(*texts)
    is_sound = (
        _NAME.fullmatch(entry.name) and entry.role in ROLES and _DIGEST.fullmatch(entry.sha256)
    )
    if not is_sound:
        raise _damaged(path)
    return entry


def _write(folder: Path, entries: Sequence[Entry]) -> None:
    """Replace the file, so that it is on disk when this returns; the lock is held."""
    content = {"version": _VERSION, "tokens": [asdict(entry) for entry in entries]}
    draft = folder / f"{FILE}.new"
    try:
        draft.unlink(missing_ok=True)  # of a process that was killed here
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(content, file, indent=1)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(folder / FILE)
        sync(folder)
    except OSError as error:
        raise _unwritable(folder, error) from None


def _damaged(path: Path) -> InvalidToken:
    return InvalidToken(
        f"{display_path(path)}: the file with the tokens is damaged, so that no token is known.",
        "Put back a copy, or remove it and add the tokens anew.",
    )


def _unreadable(path: Path, error: OSError) -> InvalidToken:
    return InvalidToken(
        f"{display_path(path)}: the file with the tokens cannot be read ({error.strerror})."
    )


def _unwritable(folder: Path, error: OSError) -> InvalidToken:
    return InvalidToken(
        f"{display_path(folder)}: tokens cannot be written there ({error.strerror})."
    )
