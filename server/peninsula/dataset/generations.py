"""Which states has the store had, and how does the next one become the published one?

A store is a folder. ``generations/000042`` is an Oxigraph database that nobody writes to once
it is published, ``000042.json`` beside it says what it holds and who made it, and
``patches/000042.rdfp`` is the change that made it, as RDF Patch. ``CURRENT`` holds the number
of the published generation. A generation is made under another name and published by two
renames, each followed by a sync of its folder, so that a crash at any instant leaves CURRENT on
a whole one; what was not published by then is thrown away at the next start.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import fcntl
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Self

import pyoxigraph as ox

from peninsula.errors import (
    OperatorError,
    StoreInUse,
    StoreUnavailable,
    UnknownGeneration,
    display_path,
    place,
)
from peninsula.files import sync
from peninsula.namespaces import expand

CURRENT: Final = "CURRENT"
_DIGITS: Final = 6
#: Seconds in which a process that was killed is gone.
_PATIENCE: Final = 1.0
_BUILDING: Final = "building"
#: Files of a database that RocksDB never changes once they are written.
_IMMUTABLE: Final = ".sst"


@dataclass(frozen=True)
class Generation:
    """One published state of the dataset.

    ``graphs`` gives the named graphs, empty ones included, with the number of their triples;
    ``default`` is the number of triples in the default graph. ``published`` is in UTC, and
    later than that of every generation before it, whatever the clock did.
    """

    number: int
    published: datetime
    graphs: Mapping[str, int] = field(default_factory=dict)
    default: int = 0
    #: What was done, in words, and by whom.
    summary: str = ""
    agents: tuple[str, ...] = ()
    added: int = 0
    removed: int = 0
    #: The fingerprint of the shipped knowledge that this generation holds; empty for none.
    knowledge: str = ""
    violations: int = 0
    warnings: int = 0
    #: Whether its patch tells only how much changed, because it was loaded in bulk.
    is_bulk: bool = False

    @property
    def name(self) -> str:
        """Return the number as it stands in names of files."""
        return f"{self.number:0{_DIGITS}}"

    @property
    def triples(self) -> int:
        """Return the number of statements, each counted in every graph that has it."""
        return self.default + sum(self.graphs.values())

    def to_json(self) -> dict[str, Any]:
        """Return the description as it is stored and served."""
        values = dataclasses.asdict(self)
        values["published"] = format_instant(self.published)
        values["agents"] = list(self.agents)
        return {**values, "triples": self.triples}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Return the generation that ``values`` describe; raises ValueError, KeyError …"""
        known = {f.name for f in dataclasses.fields(cls)}
        given = {name: value for name, value in values.items() if name in known}
        given["published"] = datetime.fromisoformat(given["published"])
        given["agents"] = tuple(given.get("agents", ()))
        return cls(**given)


def format_instant(instant: datetime) -> str:
    """Return ``2026-11-25T13:37:59.123Z``."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def make_instant(instant: datetime) -> ox.Literal:
    """Return an instant as a store gives it back, without zeros at its end (XSD 1.1, canonical)."""
    seconds, _, fraction = format_instant(instant).removesuffix("Z").partition(".")
    fraction = fraction.rstrip("0")
    text = f"{seconds}.{fraction}Z" if fraction else f"{seconds}Z"
    return ox.Literal(text, datatype=ox.NamedNode(expand("xsd:dateTime")))


class Generations:
    """The folder of a store."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        #: The open file that holds the lock, while this process has it.
        self.lock: int | None = None

    # Where things are.

    def path(self, number: int) -> Path:
        """Return the folder of the database of generation ``number``."""
        return self.folder / "generations" / f"{number:0{_DIGITS}}"

    def about(self, number: int) -> Path:
        """Return the file that describes generation ``number``."""
        return _about(self.path(number))

    def patch(self, number: int) -> Path:
        """Return the file with the change that made generation ``number``."""
        return self.folder / "patches" / f"{number:0{_DIGITS}}.rdfp"

    def names(self, number: int) -> Path:
        """Return the folder of the index of the names of generation ``number``."""
        return self.folder / "search" / f"{number:0{_DIGITS}}"

    def dumps(self, number: int) -> Path:
        """Return the folder of the dumps of generation ``number``."""
        return self.folder / "dumps" / f"{number:0{_DIGITS}}"

    def _pin(self, number: int) -> Path:
        return self.path(number).with_suffix(".pin")

    @property
    def writer(self) -> Path:
        """Return the folder of the writer's working database."""
        return self.folder / "writer"

    @property
    def judge(self) -> Path:
        """Return the folder of the working database of the process that judges trials."""
        return self.folder / "judge"

    @property
    def spool(self) -> Path:
        """Return the folder for what is on its way in."""
        return self.folder / "spool"

    def base(self, knowledge: str) -> Path:
        """Return the file with the statements of the shipped knowledge of that fingerprint."""
        return self.folder / "knowledge" / f"{knowledge}.nq"

    # What there is.

    def current(self) -> Generation | None:
        """Return the published generation, or None where nothing was ever published."""
        number = self._current_number()
        return None if number is None else self.find(number)

    def _current_number(self) -> int | None:
        try:
            number = int((self.folder / CURRENT).read_text(encoding="ascii"))
            if self._is_whole(number):
                return number
        except FileNotFoundError:
            pass
        except NotADirectoryError as error:
            raise _unavailable(self.folder, error) from error
        except PermissionError as error:
            raise _unavailable(self.folder, error) from error
        except ValueError:
            pass
        # CURRENT was damaged from outside: the newest whole generation is the best there is.
        return max(self._numbers(), default=None)

    def _is_whole(self, number: int) -> bool:
        return self.path(number).is_dir() and self.about(number).is_file()

    def _numbers(self) -> list[int]:
        paths = (self.folder / "generations").glob("*.json")
        numbers = (int(path.stem) for path in paths if path.stem.isdigit())
        return sorted(number for number in numbers if self._is_whole(number))

    def find(self, number: int) -> Generation:
        """Return generation ``number``; raises UnknownGeneration."""
        try:
            text = self.about(number).read_text(encoding="utf-8")
            if not self.path(number).is_dir():
                raise FileNotFoundError(self.path(number))
            return Generation.from_json(json.loads(text))
        except FileNotFoundError:
            kept = self._numbers()
            span = f"Kept are {', '.join(map(str, kept))}." if kept else "None is kept."
            raise UnknownGeneration(f"There is no generation {number} here.", span) from None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise StoreUnavailable(
                f"{place(self.about(number))}: it does not describe a generation ({error}).",
                "Restore the store from a backup.",
            ) from error

    def all(self) -> list[Generation]:
        """Return the generations that are kept, oldest first; unpublished ones are not told."""
        current = self._current_number()
        found = []
        for number in self._numbers():
            # One may go meanwhile.
            with contextlib.suppress(UnknownGeneration):
                if current is not None and number <= current:
                    found.append(self.find(number))
        return found

    def at(self, instant: datetime) -> Generation | None:
        """Return the generation that was published at ``instant``: the last one by then.

        Where all that are kept are younger, the oldest.
        """
        kept = self.all()
        before = [generation for generation in kept if generation.published <= instant]
        return before[-1] if before else kept[0] if kept else None

    def open(self, number: int) -> ox.Store:
        """Return the database of a generation, to read."""
        with using(self.folder):
            return ox.Store.read_only(str(self.path(number)))

    # Changing what there is; only under the lock.

    @contextlib.contextmanager
    def locked(
        self, remedy: str = "Stop that server first, or give --store another folder."
    ) -> Iterator[None]:
        """Hold the store for this process alone; raises StoreInUse where another has it.

        ``remedy`` is what whoever wanted it is advised then.

        Workers that are handed :attr:`lock` hold it with this process, so that none of them
        outlives it. One that is just dying is waited for.
        """
        with using(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            _take_lock(descriptor, self.folder, remedy)
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
            self.lock = descriptor
            yield
        finally:
            self.lock = None
            os.close(descriptor)

    def is_writable(self) -> bool:
        """Return whether this process may change the folder."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.folder):
                return True
        except OSError as error:
            return error.errno == errno.ENOSPC

    def recover(self) -> list[str]:
        """Throw away what a server that died has left; return what was thrown away."""
        with using(self.folder):
            for name in ("generations", "patches", "spool", "knowledge"):
                (self.folder / name).mkdir(parents=True, exist_ok=True)
            for path in (self.folder / "spool").iterdir():
                _remove(path)
            for working in (self.writer, self.judge):
                if working.exists():
                    shutil.rmtree(working)
            gone = self.discard_unpublished()
            current = self._current_number()
            if current is not None:
                _write_whole(self.folder / CURRENT, f"{current:0{_DIGITS}}\n")
                sync(self.folder)
        return gone

    def discard_unpublished(self) -> list[str]:
        """Throw away every generation and patch that CURRENT does not reach."""
        gone = []
        with using(self.folder):
            current = self._current_number()
            for path in sorted((self.folder / "generations").iterdir()):
                is_number = path.stem.isdigit()
                is_late = is_number and (current is None or int(path.stem) > current)
                is_half = is_number and not path.suffix and not self._is_whole(int(path.stem))
                if is_late or is_half or path.name.startswith((_BUILDING, ".")):
                    gone.append(path.name)
                    # One that is pruned at the same time is gone as well.
                    with contextlib.suppress(FileNotFoundError):
                        _remove(path)
            for path in sorted((self.folder / "patches").iterdir()):
                if not path.stem.isdigit() or current is None or int(path.stem) > current:
                    gone.append(path.name)
                    _remove(path)
        return gone

    def next_number(self) -> int:
        """Return the number of the generation to come."""
        return (self._current_number() or 0) + 1

    def checkout(self, target: Path, number: int | None) -> None:
        """Make ``target`` a database of its own with what generation ``number`` holds.

        Files that never change are linked, not copied, so that this takes no time and no room.
        """
        with using(self.folder):
            if target.exists():
                shutil.rmtree(target)
            if number is None:
                target.mkdir(parents=True)
            else:
                copy_database(self.path(number), target)

    def next_instant(self) -> datetime:
        """Return the time of publication of a generation made now: later than the last one's."""
        now = datetime.now(UTC)
        now = now.replace(microsecond=now.microsecond // 1000 * 1000)
        current = self.current()
        if current and now <= current.published:
            return current.published + timedelta(milliseconds=1)
        return now

    def building(self) -> Path:
        """Return a free name for a database that is to become a generation."""
        path = self.folder / "generations" / _BUILDING
        if path.exists():
            shutil.rmtree(path)
        return path

    def publish(self, building: Path, generation: Generation) -> None:
        """Make the database ``building``, which must be on disk, the published generation.

        After this returns it survives the loss of power. Its patch must have been written.
        """
        with using(self.folder):
            _write_whole(self.about(generation.number), _describe(generation))
            building.rename(self.path(generation.number))
            sync(self.path(generation.number).parent)
            _write_whole(self.folder / CURRENT, f"{generation.name}\n")
            sync(self.folder)

    def prune(self, keep: int, in_use: frozenset[int] = frozenset(), *, days: int = 0) -> list[int]:
        """Remove all but the last ``keep`` generations, those pinned and those in use.

        Those that were the published one within the last ``days`` stay as well: what was cited then
        can be looked up. Patches stay: they are the audit trail. Returns the numbers removed.
        """
        numbers = self._numbers()
        last = set(numbers[-max(keep, 1) :]) | set(self._since(numbers, days))
        removed = []
        with using(self.folder):
            for number in numbers:
                if number in last or number in in_use or self._pin(number).exists():
                    continue
                # First the description: without it, what is left is no generation any more.
                self.about(number).unlink(missing_ok=True)
                shutil.rmtree(self.path(number), ignore_errors=True)
                shutil.rmtree(self.names(number), ignore_errors=True)
                shutil.rmtree(self.dumps(number), ignore_errors=True)
                removed.append(number)
            needed = {generation.knowledge for generation in self.all()}
            for path in (self.folder / "knowledge").glob("*.nq"):
                if path.stem not in needed:
                    path.unlink(missing_ok=True)
        return removed

    def _since(self, numbers: Sequence[int], days: int) -> Iterator[int]:
        """Yield those of ``numbers`` that were the published one within the last ``days``."""
        if not days:
            return
        since = datetime.now(UTC) - timedelta(days=days)
        for number in reversed(numbers):
            yield number
            if self.find(number).published < since:
                return

    def pin(self, number: int, *, is_pinned: bool = True) -> None:
        """Keep a generation for good, or no longer."""
        self.find(number)
        with using(self.folder):
            if is_pinned:
                self._pin(number).touch()
            else:
                self._pin(number).unlink(missing_ok=True)

    def put_back(self, building: Path, generation: Generation) -> None:
        """Keep the database ``building``, which must be on disk, as an old generation, for good."""
        with using(self.folder):
            self._pin(generation.number).touch()
            building.rename(self.path(generation.number))
            # Last, since it is its description that makes it a generation.
            _write_whole(self.about(generation.number), _describe(generation))
            sync(self.path(generation.number).parent)

    def is_pinned(self, number: int) -> bool:
        """Return whether a generation is kept for good."""
        return self._pin(number).exists()

    def backup(self, target: Path, number: int | None = None) -> Generation:
        """Copy one generation to the folder ``target``, a store that can be served as it is."""
        generation = self.find(number) if number else self.current()
        if generation is None:
            raise StoreUnavailable(
                f"There is nothing in the store {display_path(self.folder)} yet.", "Fill it first."
            )
        if target.exists() and any(target.iterdir()):
            raise OperatorError(
                f"{display_path(target)} is not empty.", "Name a folder that does not exist yet."
            )
        copy = Generations(target)
        with using(target):
            for name in ("generations", "patches", "knowledge"):
                (target / name).mkdir(parents=True, exist_ok=True)
            building = copy.building()
            copy_database(self.path(generation.number), building)
            sync_database(building)
            for source, end in (
                (self.patch(generation.number), copy.patch(generation.number)),
                (self.base(generation.knowledge), copy.base(generation.knowledge)),
            ):
                if source.is_file():
                    shutil.copyfile(source, end)
                    sync(end)
            copy.publish(building, generation)
        return generation

    def restore(self, backup: Path, write_patch: Callable[[Generation, int], None]) -> Generation:
        """Publish what a backup holds as the next generation of this store.

        ``write_patch`` is told the generation and the number of the one before.
        """
        source = Generations(backup)
        found = source.current()
        if found is None:
            raise OperatorError(
                f"{display_path(backup)} is no backup: there is no {CURRENT}.",
                "Name a folder that “peninsula backup” wrote.",
            )
        self.recover()
        before = self.current()
        generation = dataclasses.replace(
            found,
            number=self.next_number(),
            published=self.next_instant(),
            summary=f"restored from generation {found.number} of a backup",
            agents=("operator",),
            added=found.triples,
            removed=before.triples if before else 0,
            is_bulk=True,
        )
        building = self.building()
        with using(self.folder):
            copy_database(source.path(found.number), building)
            sync_database(building)
            if found.knowledge and source.base(found.knowledge).is_file():
                shutil.copyfile(source.base(found.knowledge), self.base(found.knowledge))
            write_patch(generation, before.number if before else 0)
        self.publish(building, generation)
        return generation

    def size_on_disk(self) -> int:
        """Return the bytes that the store takes, each file counted once however often linked."""
        seen: dict[tuple[int, int], int] = {}
        for root, _, files in os.walk(self.folder):
            for name in files:
                with contextlib.suppress(OSError):
                    status = os.lstat(os.path.join(root, name))  # noqa: PTH118, hot
                    seen[status.st_dev, status.st_ino] = status.st_blocks * 512
        return sum(seen.values())


def _take_lock(descriptor: int, folder: Path, remedy: str) -> None:
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() < until:
                time.sleep(0.05)
                continue
        holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
        raise StoreInUse(
            f"The store {display_path(folder)} is in use by process {holder or '?'}.", remedy
        )


def copy_database(source: Path, target: Path) -> None:
    """Copy a closed database; files that never change are linked where that can be done.

    Its small files are not on disk yet: see :func:`sync_database`.
    """
    target.mkdir(parents=True)
    for path in source.iterdir():
        if path.name == "LOCK":
            continue
        end = target / path.name
        if path.suffix == _IMMUTABLE:
            try:
                os.link(path, end)
                continue
            except OSError as error:
                if error.errno not in {errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP}:
                    raise
        shutil.copyfile(path, end)


@contextlib.contextmanager
def using(folder: Path) -> Iterator[None]:
    """Turn what the file system says into one readable line about the store."""
    try:
        yield
    except OSError as error:
        raise _unavailable(folder, error) from error


def _unavailable(folder: Path, error: OSError) -> StoreUnavailable:
    reason = error.strerror or str(error).splitlines()[0]
    remedy = (
        "Make room on its disk."
        if error.errno in {errno.ENOSPC, errno.EDQUOT} or "No space left" in str(error)
        else "Give --store a folder that you may write to."
    )
    return StoreUnavailable(f"The store {place(folder)} cannot be used: {reason}.", remedy)


def is_described(path: Path) -> bool:
    """Return whether the database ``path`` is a generation still: its description goes first."""
    return _about(path).exists()


def _about(path: Path) -> Path:
    return path.with_suffix(".json")


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _describe(generation: Generation) -> str:
    return json.dumps(generation.to_json(), ensure_ascii=False, indent=1) + "\n"


def _write_whole(path: Path, text: str) -> None:
    """Write a small file whole or not at all; its folder is yet to be synced."""
    temporary = path.with_name(f".{path.name}.new")
    with temporary.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def sync_database(folder: Path) -> None:
    """Sync a closed database and its folder; a checkpoint of a store is synced already."""
    for path in folder.iterdir():
        sync(path)
    sync(folder)
