"""The command that began a sweep, kept in the sweep's folder so that `slimtune resume` gives it again."""

import json
import os
import re
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from omegaconf import DictConfig, OmegaConf

from slimtune.sweeper.config_values import CONFIG_NAME
from slimtune.sweeper.search.request import SweepRequest
from slimtune.training.atomic_files import write_json
from slimtune.training.errors import StoreError

FILE = "command.json"
# a word that gives what is nobody else's business; a number of tokens is none
SECRET = re.compile(
    r"(passw(or)?d|passphrase|secret(_key)?|credentials?|(api|access|private)_?key"
    r"|(?<![a-z_])((api|access|auth|bearer|hf|hub)_?)?token)['\"]?\s*[=:]|://[^/@\s]*:[^/@\s]+@",
    re.IGNORECASE,
)
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


def record_command(request: SweepRequest, *, of_program: bool = False) -> None:
    """Keep the command that this process was started with; the last one holds.

    Args:
        request: The sweep's.
        of_program: Whether it is that of a program of the user's own, and not `slimtune sweep`.
    """
    given = _flags(request.app.config) + request.command_line()
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
        return RecordedCommand(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise StoreError(f"there is no {path}, so the command is not known; give it again, as it was") from None
    except (OSError, TypeError, ValueError) as error:
        raise StoreError(f"{path} cannot be read ({error}); give the sweep's command again, as it was") from error


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


def _key(word: str) -> str:
    return word.partition("=")[0].lstrip("+~")


def _is_secret(word: str) -> bool:
    # taken from the environment when it is needed
    is_taken = word.partition("=")[2].strip("'\"").startswith("${")
    return not is_taken and SECRET.search(word) is not None
