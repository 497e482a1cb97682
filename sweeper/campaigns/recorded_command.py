"""The command that began a sweep, kept in the sweep's folder so that `slimtune resume` gives it again."""

import os
import re
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from omegaconf import DictConfig, OmegaConf

from slimtune.export.bundle.record import exactly
from slimtune.sweeper.config_file import FLAG, as_given
from slimtune.sweeper.config_values import CONFIG_NAME
from slimtune.sweeper.reporting.places.sweep_words import sweep_words
from slimtune.sweeper.search.request import SweepRequest
from slimtune.sweeper.storage_url import absolute
from slimtune.sweeper.study_file import sweeps_in
from slimtune.training.atomic_files import write_json
from slimtune.training.broken_files import BROKEN, fault_of, read_object
from slimtune.training.errors import StoreError
from slimtune.training.usual_places import STUDY_FILE

FILE = "command.json"
# a word that gives what is nobody else's business; a number of tokens is none
SECRET = re.compile(
    r"(passw(or)?d|passphrase|secret(_key)?|credentials?|(api|access|private)_?key"
    r"|(?<![a-z_])((api|access|auth|bearer|hf|hub)_?)?token)['\"]?\s*[=:]|://[^/@\s]*:[^/@\s]+@",
    re.IGNORECASE,
)
SWEEP_DIR = "hydra.sweep.dir"
# what is written to beside the sweep's folder
STORAGE_KEYS = ("search.storage", "hydra.sweeper.search.storage", "hydra.sweeper.storage")
WRITTEN_KEYS = (*STORAGE_KEYS, "tracking.uri")
TRIALS, OWN_TRIALS, PLUGIN_TRIALS = "search.n_trials", "hydra.sweeper.search.n_trials", "hydra.sweeper.n_trials"


class RecordedCommand(NamedTuple):
    """A command as it was given.

    Attributes:
        program: What comes before the overrides; empty for `slimtune sweep`.
        overrides: Of the config, flags among them.
        left_out: Keys of overrides that may be secrets; they are to be given again.
        trials_key: What says how many trials it has.
        cwd: Where it was given.
        folder: The sweep's.
        host: Of the machine.
    """

    program: list[str]
    overrides: list[str]
    left_out: list[str]
    trials_key: str
    cwd: str
    folder: str
    host: str

    def words(self, more: Sequence[str] = (), *, n_trials: int | None = None) -> list[str]:
        """The command with more overrides; what they say in another way is left out."""
        added = [*more, *([f"{self.trials_key}={n_trials}"] if n_trials is not None else [])]
        given = {_key(word) for word in added}
        kept = [word for word in self.overrides if _key(word) not in given]
        return [*(self.program or ["slimtune", "sweep"]), *kept, *added]

    def is_of(self, folder: Path) -> bool:
        """Whether it was written here, for the folder that it lies in."""
        return self.folder == str(folder.absolute()) and self.host == socket.gethostname()

    def working_folder(self, folder: Path) -> Path:
        """Where it is to be given for a sweep that lies in `folder` now: its own paths are relative to that.

        Raises:
            StoreError: The folder is a copy of another one, and what lay around that is not there.
        """
        here, there, cwd = folder.absolute(), Path(self.folder), Path(self.cwd)
        if not self.is_elsewhere(folder):
            return cwd if cwd.is_dir() else Path.cwd()
        if there.is_relative_to(cwd):
            within = there.relative_to(cwd).parts
            if here.parts[-len(within) :] == within:
                return Path(*here.parts[: -len(within)])
        if there.is_dir():
            raise StoreError(
                f"the sweep in {here} is a copy of the one in {there}, which is still there, and its command was given "
                f"in {cwd}; go on with that one: slimtune resume {sweep_words(there.name, there)}; or move it away, or "
                f"copy all of {cwd} and resume the sweep there"
            )
        return cwd if cwd.is_dir() else Path.cwd()

    def is_elsewhere(self, folder: Path) -> bool:
        """Whether the sweep lies in another folder now."""
        here, there = folder.absolute(), Path(self.folder)
        return here != there and not (there.exists() and there.samefile(here))

    def rebased(self, working: Path) -> "RecordedCommand":
        """With the configs that lay in its working folder taken from the new one."""
        return self._replace(overrides=[_moved_flag(word, Path(self.cwd), working) for word in self.overrides])

    def check_written(self, folder: Path, storage: str, more: Sequence[str]) -> None:
        """Whether what it writes to is that of the sweep that was found, and not where that was before.

        Args:
            folder: Where the sweep lies.
            storage: The URL of the study that was found.
            more: Overrides that are added.

        Raises:
            StoreError: A key names a place in its old working folder.
        """
        if not self.is_elsewhere(folder):
            return
        given = {_key(word) for word in more}
        kept = {_key(word): word.partition("=")[2].strip("'\"") for word in self.overrides}
        old = {key: kept[key] for key in WRITTEN_KEYS if key in kept.keys() - given and f"{self.cwd}/" in kept[key]}
        wrong = {key: value for key, value in old.items() if key not in STORAGE_KEYS or absolute(value) != storage}
        if wrong:
            told = " ".join(f"{key}={value}" for key, value in wrong.items())
            raise StoreError(
                f"the sweep was found in {folder}, and its command writes to where it was before, {self.cwd}: {told}; "
                f"give the places that are meant: slimtune resume {sweep_words(folder.name, folder, storage)} "
                f"{' '.join(f'{key}=...' for key in wrong)}"
            )


def record_command(request: SweepRequest, *, of_program: bool = False) -> None:
    """Keep the command that this process was started with; the last one holds.

    Args:
        request: The sweep's.
        of_program: Whether it is that of a program of the user's own, and not `slimtune sweep`.
    """
    given = _flags(request.app.config) + [as_given(word) for word in request.command_line()]
    program: list[str] = []
    if of_program:
        program, given = _program_of([sys.executable, *sys.orig_argv[1:]], given)
    secret = [word for word in given if _is_secret(word)]
    command = RecordedCommand(
        program=program,
        overrides=[word for word in given if word not in secret],
        left_out=[_key(word) for word in secret],
        trials_key=_trials_key(request.app.config) if of_program else TRIALS,
        cwd=os.getcwd(),
        folder=str(request.folder),
        host=socket.gethostname(),
    )
    write_json(request.folder / FILE, command._asdict())


def read_command(folder: Path) -> RecordedCommand:
    """The command of a sweep.

    Raises:
        StoreError: None was kept, or it cannot be read.
    """
    path = folder / FILE
    try:
        return exactly(RecordedCommand, read_object(path))
    except FileNotFoundError:
        raise StoreError(f"there is no {path}, so the command is not known; give it again, as it was") from None
    except BROKEN as error:
        raise StoreError(f"{path} is broken: {fault_of(error)}; give the sweep's command again, as it was") from error


def check_own_folder(folder: Path, name: str) -> None:
    """Whether a sweep that is given anew may write into a folder: its trials would take the place of others.

    Args:
        folder: Of the sweep.
        name: Of the sweep.

    Raises:
        StoreError: The folder has the trials of another sweep, or is a copy of one that is still there.
    """
    known = sweeps_in(folder / STUDY_FILE)
    if known and name not in known:
        raise StoreError(
            f"{folder} has the trials of the sweep '{known[0]}', which those of '{name}' would replace; take another "
            f"search.name (or hydra.sweep.dir), or go on with that one: slimtune resume {sweep_words(known[0], folder)}"
        )
    if known and (folder / FILE).is_file():
        read_command(folder).working_folder(folder)


def _trials_key(config: DictConfig) -> str:
    """Of an app's own; what is said in the form of Hydra's Optuna sweeper holds."""
    return OWN_TRIALS if config.hydra.sweeper.n_trials is None else PLUGIN_TRIALS


def _program_of(argv: Sequence[str], given: Sequence[str]) -> tuple[list[str], list[str]]:
    """An app's own command line, split before its first override or flag."""
    words = list(argv)
    known = set(given)
    at = next((at for at, word in enumerate(words) if at > 1 and (word in known or _is_hydra_flag(word))), len(words))
    return words[:at], words[at:]


def _is_hydra_flag(word: str) -> bool:
    return word in ("-m", "--multirun", "-cd", "-cn", "-cp") or word.startswith("--config-")


def _flags(config: DictConfig) -> list[str]:
    """What Hydra was told beside overrides."""
    sources = OmegaConf.to_container(config.hydra.runtime.config_sources)
    assert isinstance(sources, list)
    flags = [f"--config-dir={one['path']}" for one in sources if one["provider"] == "command-line"]
    name = str(config.hydra.job.config_name)
    return flags + ([f"--config-name={name}"] if name != CONFIG_NAME else [])


def _moved_flag(word: str, old: Path, new: Path) -> str:
    flag, _, value = word.partition("=")
    if flag not in ("--config-dir", FLAG) or not Path(value).is_relative_to(old):
        return word
    moved = new / Path(value).relative_to(old)
    return f"{flag}={moved}" if moved.exists() else word


def _key(word: str) -> str:
    return word.partition("=")[0].lstrip("+~")


def _is_secret(word: str) -> bool:
    # taken from the environment when it is needed
    is_taken = word.partition("=")[2].strip("'\"").startswith("${")
    return not is_taken and SECRET.search(word) is not None
