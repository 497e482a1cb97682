"""A config file of one's own by its path: `--config mine.yaml`, an experiment that lies in no folder of configs."""

import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from importlib.resources import files
from pathlib import Path, PurePath
from typing import NamedTuple

from hydra.core.config_store import ConfigNode, ConfigStore
from omegaconf import DictConfig, ListConfig, OmegaConf

from slimtune.sweeper.config_values import CONFIG_MODULE, plain
from slimtune.sweeper.space.read_space import read_space
from slimtune.training.errors import ConfigError
from slimtune.training.tracking.display import by_dotted_key
from slimtune.training.usual_places import home_path

# also what a sweep keeps of a file that Python gave: a sweep is resumed by a command line
FLAG = "--config"
GROUP = "experiment"
SPACE = "space"
# the name of the whole config
ROOT = "config"
# of a file, what is no value of a trial
NO_VALUES = ("defaults", "hydra", SPACE)


class Caller(NamedTuple):
    """How files of one's own are given by who begins a sweep or a trial: an error recommends what works there.

    Attributes:
        file_key: What takes a config file.
        file_form: The same with its value.
        folder_form: What adds a folder of configs.
        quoted: A path as it is written there.
    """

    file_key: str
    file_form: str
    folder_form: str
    quoted: Callable[[str], str]

    def with_file(self, path: str | PurePath) -> str:
        """What is written to give a config file."""
        return self.file_form.format(self.quoted(str(path)))

    def with_folder(self, path: str | PurePath) -> str:
        """What is written to add a folder of configs."""
        return self.folder_form.format(path)


COMMAND_LINE = Caller(FLAG, f"{FLAG} {{}}", "--config-dir {}", shlex.quote)
PYTHON = Caller("config", "config={}", "hydra.searchpath=[{}]", repr)
# a context and no argument: what is wrong with an override is found deep in the reading of it
_caller: ContextVar[Caller] = ContextVar("slimtune_caller", default=COMMAND_LINE)


def caller() -> Caller:
    """Who has called."""
    return _caller.get()


@contextmanager
def called_by(one: Caller) -> Iterator[None]:
    """Until it ends, this is who has called."""
    token = _caller.set(one)
    try:
        yield
    finally:
        _caller.reset(token)


def with_config_file(arguments: Sequence[str]) -> list[str]:
    """The arguments with the file as an option of `experiment`; unchanged where none is named.

    Raises:
        ConfigError: It is not there or no mapping, two are named, or an experiment beside it.
    """
    words, named = [], []
    given = iter(arguments)
    for word in given:
        if word == FLAG:
            named.append(next(given, ""))
        elif word.startswith(f"{FLAG}="):
            named.append(word.partition("=")[2])
        else:
            words.append(word)
    if not named:
        return words
    key = caller().file_key
    if len(named) > 1 or not named[0] or ("=" in named[0] and not Path(named[0]).exists()):
        raise ConfigError([f"{key} takes one file, e.g. {caller().with_file('mine.yaml')}"])
    if (other := next((word for word in words if word.partition("=")[0] == GROUP), None)) is not None:
        base = other.partition("=")[2]
        told = f"{caller().with_file(named[0])} is an experiment, and so is {other}; leave one of them out"
        raise ConfigError([f"{told}, or begin the file with: defaults: [{base}, _self_]"])
    return [*words, f"{GROUP}={_stored(home_path(named[0]))}"]


@contextmanager
def file_forgotten_after() -> Iterator[None]:
    """Take back the option that `with_config_file` makes: it would be one of every later call in the process."""
    repo = ConfigStore.instance().repo
    kept = dict(repo[GROUP]) if GROUP in repo else None
    try:
        yield
    finally:
        if kept is not None:
            repo[GROUP] = kept
        else:
            repo.pop(GROUP, None)


def as_given(override: str) -> str:
    """An override as the command line had it: with the file instead of the option that was made of it here."""
    option = _option_of(override)
    return override if option is None else f"{FLAG}={option.provider}"


def keys_set_in_file(arguments: Sequence[str]) -> frozenset[str]:
    """Keys that the file sets to a value, so that they are not searched; but for those that it gives a space.

    Args:
        arguments: With the option that `with_config_file` made of it.
    """
    option = next((one for word in arguments if (one := _option_of(word)) is not None), None)
    if option is None:
        return frozenset()
    values = plain(option.node)
    keys = by_dotted_key({key: one for key, one in values.items() if key not in NO_VALUES}).keys()
    return frozenset(keys - {key.lstrip("+") for key in read_space(values.get(SPACE) or {}).space})


def _option_of(override: str) -> ConfigNode | None:
    """The option that was made of the file here, if an override takes it."""
    group, _, name = override.partition("=")
    found: ConfigNode | None = (
        ConfigStore.instance().repo.get(GROUP, {}).get(f"{name}.yaml") if group == GROUP else None
    )
    return found


def _stored(path: Path) -> str:
    """The name of the option that the file is now."""
    config = _read(path)
    shipped = files(CONFIG_MODULE).joinpath(GROUP, f"{path.stem}.yaml").is_file()
    # an option that ships would be found first
    name = f"own_{path.stem}" if shipped else path.stem
    name = "".join(sign if sign.isalnum() or sign in "_-" else "_" for sign in name)
    ConfigStore.instance().store(name=name, group=GROUP, package="_global_", node=config, provider=str(path.absolute()))
    return name


def _read(path: Path) -> DictConfig:
    if not path.is_file():
        raise ConfigError([f"{caller().file_key} is {path}, which is no file; slimtune init writes one"])
    config = OmegaConf.load(path)
    if not isinstance(config, DictConfig):
        rule = "which holds no sections, e.g. fit: and below it learning_rate: 1e-3"
        raise ConfigError([f"{caller().file_key} is {path}, {rule}"])
    _check_defaults(path, config)
    _check_sections(path, config)
    return config


def _check_defaults(path: Path, config: DictConfig) -> None:
    """The whole config takes the file as an option, and cannot be taken by it too."""
    listed = OmegaConf.select(config, "defaults", default=None)
    for entry in listed if isinstance(listed, ListConfig) else ():
        if str(entry).lstrip("/") == ROOT:
            raise ConfigError([f"{path} has {entry} in its defaults; leave it out: the file is laid over it anyway"])


def _check_sections(path: Path, config: DictConfig) -> None:
    groups = {one.name for one in files(CONFIG_MODULE).iterdir() if one.is_dir()}
    chosen = {str(key): value for key, value in config.items_ex(resolve=False) if str(key) in groups}
    wrong = {group: option for group, option in chosen.items() if isinstance(option, str)}
    if wrong:
        choices = ", ".join(f"'- override /{group}: {option}'" for group, option in wrong.items())
        raise ConfigError(
            [f"{path} sets {', '.join(wrong)} to a word; an option is chosen in its defaults, one a line: {choices}"]
        )
