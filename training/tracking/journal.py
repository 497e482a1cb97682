"""What waits for a tracker, on disk: a run's entries, written before they are sent and marked once they were taken."""

import json
import logging
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, Self

from filelock import FileLock, Timeout

from slimtune.training.atomic_files import write_text
from slimtune.training.listed_names import counted

log = logging.getLogger(__name__)

OUTBOX, JOURNAL, REFUSED, LOCK, FILES = "outbox", "journal.jsonl", "refused.jsonl", "journal.lock", "files"
# a run that the tracker has not made yet is known by its key
QUEUED = "queued-"
# the tag of a run in the tracker with its key
KEY_TAG = "slimtune.key"
# bytes of a journal, before it is written anew without the entries that were sent
MOST_BYTES = 4_000_000


class Header(NamedTuple):
    """The run that a journal is of.

    Attributes:
        key: Of the run, a tag of it in the tracker: a run is looked up by it before it is made.
        uri: The tracker's.
        experiment: Its name there.
        name: The run's.
        parent: Id of its parent, or `queued-<key>` of one that was not made yet.
        tags: That it begins with.
        began_ms: When it began, in milliseconds since 1970.
        run_id: Of a run that was there before; None for one that is to be made.
    """

    key: str
    uri: str
    experiment: str
    name: str
    parent: str | None
    tags: Mapping[str, str]
    began_ms: int
    run_id: str | None = None


class JournalEntry(NamedTuple):
    """One call on the run: its number in the journal, what is done, and with what."""

    number: int
    do: str
    values: Mapping[str, Any]


class Journal:
    """The journal of one run in a folder `outbox/<name>` of a sweep or a trial; whoever has it open is its only user.

    Attributes:
        folder: Of the journal.
        header: The run.
        run_id: The tracker's id; None until the run is there.
        waiting: Entries that the tracker has not taken, in their order.
    """

    def __init__(self, folder: Path, lock: FileLock) -> None:
        self.folder, self._lock = folder, lock
        self.run_id: str | None = None
        self.waiting: list[JournalEntry] = []
        self._next = 0
        # of the file, now and when it was last written anew
        self._num_bytes = self._least_bytes = 0
        self._read()

    @classmethod
    def begin(cls, place: Path, header: Header) -> Self:
        """A new one in `place/outbox`."""
        for count in range(1000):
            folder = place / OUTBOX / (header.key if count == 0 else f"{header.key}-{count}")
            with suppress(FileExistsError):
                folder.mkdir(parents=True)
                break
        lock = FileLock(folder / LOCK, thread_local=False)
        lock.acquire(timeout=0)
        _write_header(folder, header)
        return cls(folder, lock)

    @classmethod
    def open(cls, folder: Path) -> Self | None:
        """One that is there; None while somebody else has it, if it has gone meanwhile, or is none."""
        lock = FileLock(folder / LOCK, thread_local=False)
        try:
            lock.acquire(timeout=0)
        except (Timeout, OSError):
            return None
        if header_in(folder) is None:
            lock.release()
            # the lock has made the folder
            with suppress(OSError):
                (folder / LOCK).unlink(missing_ok=True)
                folder.rmdir()
                folder.parent.rmdir()
            return None
        return cls(folder, lock)

    def append(self, do: str, **values: Any) -> None:
        """Write an entry down; a file takes the place of one of its name that waits."""
        entry = JournalEntry(self._next, do, values)
        self._next += 1
        self._write({"entry": entry._asdict()})
        self.waiting.append(entry)
        name = _artifact(entry)
        for older in [one for one in self.waiting[:-1] if name is not None and _artifact(one) == name]:
            self.taken(older)

    def append_copy(self, do: str, path: Path, **values: Any) -> None:
        """Write an entry down with the files that it is about, which may change or go before they are sent.

        They are linked, not copied, where the file system can: results are never written in place.
        """
        kept = self.folder / FILES / str(self._next) / path.name
        kept.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            shutil.copytree(path, kept, copy_function=_link, dirs_exist_ok=True)
        else:
            kept.unlink(missing_ok=True)
            _link(str(path), str(kept))
        self.append(do, kept=str(kept.relative_to(self.folder)), **values)

    def taken(self, entry: JournalEntry) -> None:
        """The tracker has an entry, or needs it no more."""
        self.waiting.remove(entry)
        self._write({"taken": entry.number})
        if "kept" in entry.values:
            shutil.rmtree((self.folder / entry.values["kept"]).parent, ignore_errors=True)
        if self._num_bytes > max(MOST_BYTES, 2 * self._least_bytes):
            self._begin_anew()

    def set_aside(self, do: str, values: Mapping[str, Any], why: str) -> None:
        """Keep what the tracker will never take, beside the journal."""
        values = dict(values)
        if "kept" in values and (source := self.folder / values["kept"]).exists():
            aside = self.folder / "refused" / source.parent.name
            aside.parent.mkdir(exist_ok=True)
            shutil.copytree(source.parent, aside, dirs_exist_ok=True)
            values["kept"] = str((aside / source.name).relative_to(self.folder))
        with (self.folder / REFUSED).open("a", encoding="utf-8") as lines:
            lines.write(_line({"do": do, "values": values, "why": why}))

    def note_run(self, run_id: str) -> None:
        """The run is there."""
        self.run_id = run_id
        self._write({"run_id": run_id})

    def close(self) -> None:
        """Let others have it; one of a run that is there, and of which nothing waits, goes away."""
        if self.run_id is not None and not self.waiting:
            for name in (JOURNAL, LOCK):
                (self.folder / name).unlink(missing_ok=True)
            shutil.rmtree(self.folder / FILES, ignore_errors=True)
            # what was refused stays
            with suppress(OSError):
                self.folder.rmdir()
                self.folder.parent.rmdir()
        self._lock.release()

    def _write(self, line: Mapping[str, Any]) -> None:
        text = _line(line).encode()
        with (self.folder / JOURNAL).open("ab+") as lines:
            if lines.tell():
                lines.seek(-1, os.SEEK_END)
                # a full disk has cut off the last one
                text = text if lines.read(1) == b"\n" else b"\n" + text
            lines.write(text)
        self._num_bytes += len(text)

    def _begin_anew(self) -> None:
        """Write the file without the entries that were sent."""
        lines = [_line({"run": self.header._replace(run_id=self.run_id)._asdict()})]
        lines += [_line({"entry": entry._asdict()}) for entry in self.waiting]
        text = "".join(lines)
        write_text(self.folder / JOURNAL, text)
        self._num_bytes = self._least_bytes = len(text.encode())

    def _read(self) -> None:
        """Read what is there; lines that a kill or a full disk has cut off are told and set aside."""
        first, *lines = (self.folder / JOURNAL).read_bytes().splitlines()
        self.header = Header(**json.loads(first)["run"])
        self.run_id = self.header.run_id
        waiting: dict[int, JournalEntry] = {}
        broken = [line for line in lines if not self._is_read(line, waiting)]
        self.waiting = list(waiting.values())
        self._num_bytes = sum(len(line) + 1 for line in (first, *lines))
        if broken:
            self._tell_broken(broken)

    def _is_read(self, line: bytes, waiting: dict[int, JournalEntry]) -> bool:
        try:
            found = json.loads(line)
            if "entry" in found:
                entry = JournalEntry(**found["entry"])
                waiting[entry.number] = entry
                self._next = entry.number + 1
            elif "taken" in found:
                waiting.pop(found["taken"], None)
            else:
                self.run_id = found["run_id"]
        except (ValueError, KeyError, TypeError):
            return False
        return True

    def _tell_broken(self, broken: list[bytes]) -> None:
        what = "a line" if len(broken) == 1 else counted(len(broken), "line")
        log.warning("tracking: %s in %s cannot be read (a kill, or a full disk)", what, self.folder / JOURNAL)
        try:
            for line in broken:
                self.set_aside("broken", {"line": line.decode(errors="replace")}, "it cannot be read")
            self._begin_anew()
        except OSError as error:
            log.warning("tracking: what cannot be read stays where it is, since nothing can be written (%s)", error)


def journals_in(place: Path) -> list[Path]:
    """Folders of the journals of a sweep, a trial, or of all that lies in a folder; those of parents come first."""
    found = [path.parent for path in _walk(place)]
    return sorted(found, key=lambda folder: (len(folder.parts), _began(folder), folder.name))


def _walk(place: Path) -> Iterator[Path]:
    for folder, names, _ in os.walk(place):
        if OUTBOX in names:
            names.remove(OUTBOX)
            yield from (Path(folder) / OUTBOX).glob(f"*/{JOURNAL}")


def _began(folder: Path) -> int:
    header = header_in(folder)
    return 0 if header is None else header.began_ms


def has_cut_header(folder: Path) -> bool:
    """Whether a journal is there of which nobody can say whose it is: its first line is cut off."""
    return (folder / JOURNAL).is_file() and ids_in(folder) is None


def header_in(folder: Path) -> Header | None:
    """The run of a journal that somebody else may have open; None if it has gone."""
    found = ids_in(folder)
    return None if found is None else found[0]


def ids_in(folder: Path) -> tuple[Header, str | None] | None:
    """The run of a journal, and its id in the tracker as far as it is known; None if the journal has gone."""
    try:
        text = (folder / JOURNAL).read_text(encoding="utf-8", errors="replace")
        header = Header(**json.loads(text.partition("\n")[0])["run"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    lines = [found for line in text.splitlines() if line.startswith('{"run_id"') and (found := _parsed(line))]
    noted = [line["run_id"] for line in lines]
    return header, noted[-1] if noted else header.run_id


def now_ms() -> int:
    """Milliseconds since 1970."""
    return int(time.time() * 1000)


def _parsed(line: str) -> dict[str, Any] | None:
    """None for a line that a full disk has cut off."""
    try:
        found: dict[str, Any] = json.loads(line)
    except ValueError:
        return None
    return found


def _artifact(entry: JournalEntry) -> str | None:
    """What a file is called in the tracker; None of other entries, and of folders, whose files add up there."""
    match entry.do:
        case "text":
            return str(entry.values["file"])
        case "file":
            return Path(entry.values["kept"]).name
    return None


def _write_header(folder: Path, header: Header) -> None:
    write_text(folder / JOURNAL, _line({"run": header._asdict()}))


def _line(values: Mapping[str, Any]) -> str:
    return json.dumps(values, ensure_ascii=False) + "\n"


def _link(source: str, target: str) -> str:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
    return target
