"""A search space in a file of its own: `search_strategy` and `search_space`."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import MarkedYAMLError, YAMLError

from slimtune.sweeper.space.dimension import Space
from slimtune.sweeper.space.read_space import read_space
from slimtune.sweeper.yaml_faults import yaml_fault
from slimtune.training.config.near_names import plain_name
from slimtune.training.config.other_names import called_otherwise
from slimtune.training.config.schema import suggestion
from slimtune.training.errors import ConfigError
from slimtune.training.listed_names import with_commas

STRATEGY, SPACE = "search_strategy", "search_space"
STRATEGY_KEYS = {"type": "search.sampler", "num_trials": "search.n_trials", "seed": "search.seed"}
# what others call these parts, and where it stands here what else they write beside them
SPACES = ("parameters", "params", "hyperparameters", "space", "searchspace", "param_space", "config")
STRATEGIES = ("method", "strategy", "sampler", "algorithm", "tuner", "search_alg")
INSTEAD = {
    "metric": "task.metric says what is made best",
    "objective": "task.metric says what is made best",
    "goal": "search.direction",
    "direction": "search.direction",
    "run_cap": "search.n_trials",
    "num_samples": "search.n_trials",
    "max_trials": "search.n_trials",
    "n_trials": "search.n_trials",
    "early_terminate": "search/pruner",
    "scheduler": "search/pruner",
    "name": "search.name",
}
# a config's sections that trials read: a key of these may be named by its last part
SHORT_NAMED = ("task", "data", "model", "method", "fit")
# what others call the keys of LoRA
OF_LORA = "lora_"


class SpaceFile(NamedTuple):
    """What a file says.

    Attributes:
        space: Its dimensions, by the keys as they stand there.
        strategy: The values of `search_strategy`.
        problems: What is wrong with keys and dimensions, which are left out.
        unread: Keys of these dimensions, as they stand there.
    """

    space: Space
    strategy: Mapping[str, Any]
    problems: Sequence[str] = ()
    unread: Sequence[str] = ()


def read_space_file(path: str | Path) -> SpaceFile:
    """The form of other tools, word for word.

    Raises:
        ConfigError: There is no such file, or nothing in it can be read.
    """
    values = _loaded(Path(path))
    known = (STRATEGY, SPACE)
    if not set(values) & set(known):
        raise ConfigError([f"{path}: {with_commas(values)} at the top; {_in_our_words(values)}"])
    problems = [f"{path}: {key} is not a key; {suggestion(str(key), known)}" for key in values if key not in known]
    strategy, dimensions = values.get(STRATEGY) or {}, values.get(SPACE)
    if not isinstance(strategy, Mapping):
        problems.append(f"{path}: {STRATEGY} is {strategy!r}; write {_strategy_of(strategy)}")
        strategy = {}
    unknown = [key for key in strategy if key not in STRATEGY_KEYS]
    problems += [f"{path}: {STRATEGY}.{key} is not a key; {suggestion(str(key), STRATEGY_KEYS)}" for key in unknown]
    if not isinstance(dimensions, Mapping) or not dimensions:
        example = "learning_rate: {type: float, low: 1e-6, high: 1e-3, log: true}"
        given = "has no key" if not dimensions else f"is {dimensions!r}"
        raise ConfigError([*problems, f"{path}: {SPACE} {given}; name at least one, e.g. {example}"])
    found = read_space(dimensions)
    problems += [f"{path}: {problem.replace('space.', f'{SPACE}.', 1)}" for problem in found.problems]
    known_strategy = {key: one for key, one in strategy.items() if key not in unknown}
    return SpaceFile(found.space, known_strategy, problems, found.unread)


def _in_our_words(values: Mapping[str, Any]) -> str:
    """What to do about a file whose parts have other names: those of other tools' sweeps, or none."""
    spaces = [key for key, value in values.items() if plain_name(key) in SPACES and isinstance(value, Mapping)]
    if not spaces:
        return f"write '{SPACE}:' above, with these below it"
    said = [f"rename {spaces[0]}: to {SPACE}:"]
    for key, value in values.items():
        if plain_name(key) in STRATEGIES:
            said.append(f"write {key}: as {STRATEGY}: {_strategy_of(value)}")
        elif key not in spaces:
            instead = INSTEAD.get(plain_name(key))
            said.append(f"leave out {key}: ({instead})" if instead else f"leave out {key}:")
    return "; ".join(said)


def _strategy_of(word: Any) -> str:
    """A strategy that may be meant by one word."""
    others = called_otherwise(word, ("tpe", "random", "grid")) if isinstance(word, str) else []
    return f"{{type: {others[0] if others else word if isinstance(word, str) else 'random'}, num_trials: 20}}"


def _loaded(path: Path) -> Mapping[str, Any]:
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "is not there"
        raise ConfigError([f"space.path is {path}, which {what}; name a YAML file with {SPACE}"])
    if not path.read_bytes().strip():
        raise ConfigError([f"space.path is {path}, which is empty; write {SPACE}: into it, and dimensions below"])
    try:
        # Hydra's own reading of numbers: 1e-6 is one
        values = OmegaConf.to_container(OmegaConf.load(path), resolve=True)
    except (OmegaConfBaseException, YAMLError, OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"space.path is {path}, {_unreadable(error)}"]) from error
    if not isinstance(values, Mapping) or not values:
        raise ConfigError([f"space.path is {path}, which has no keys; begin it with {SPACE}:"])
    return {str(key): value for key, value in values.items()}


def _unreadable(error: Exception) -> str:
    if isinstance(error, MarkedYAMLError) and error.problem_mark is not None:
        return yaml_fault(error)
    return f"which is no YAML that can be read: {' '.join(str(error).split())}"


class FullNames(NamedTuple):
    """A space by the config's keys.

    Attributes:
        space: The dimensions whose names mean one key.
        said: By key, the names that a person gave.
        problems: What is wrong with other names.
    """

    space: Space
    said: Mapping[str, str]
    problems: Sequence[str]


def in_full(space: Space, known: Iterable[str], prefix: str = "space.") -> FullNames:
    """The dimensions by the config's keys: `learning_rate` is `fit.learning_rate`, `lora_r` is `method.r`.

    Args:
        space: By the names that a person gave.
        known: Every key of the config, dotted.
        prefix: Of the names, where they stand.
    """
    keys, said, problems = set(known), dict[str, str](), []
    full: Space = {}
    for name, dimension in space.items():
        candidates = _candidates(name, keys)
        key = candidates[0]
        if len(candidates) > 1:
            problems.append(f"{prefix}{name} may be {' or '.join(candidates)}; write one of them in full")
        elif key in full:
            problems.append(f"{said[key]} and {prefix}{name} are both {key}; remove one of them")
        else:
            full[key], said[key] = dimension, f"{prefix}{name}"
    return FullNames(full, said, problems)


def _candidates(name: str, known: set[str]) -> list[str]:
    """The keys that a name may mean; the name itself if there are none."""
    if name in known or "." in name or "+" in name:
        return [name]
    if name.startswith(OF_LORA):
        return [f"method.{name.removeprefix(OF_LORA)}"]
    found = [key for key in sorted(known) if key.rpartition(".")[2] == name and key.partition(".")[0] in SHORT_NAMED]
    return found or [name]
