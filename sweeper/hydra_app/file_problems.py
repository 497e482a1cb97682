"""What is wrong with config files: YAML that cannot be read, and options that their defaults name."""

import re
from collections.abc import Sequence

from hydra.errors import HydraException, MissingConfigException
from yaml import MarkedYAMLError, YAMLError

from slimtune.sweeper.yaml_faults import yaml_fault
from slimtune.training.config.schema import option_suggestion

CHOSEN_TWICE = re.compile(r"Multiple values for ([\w/@]+)\.")
# OmegaConf's words for what stands in a file in the place of another kind of value
KINDS = {
    "DictConfig with ListConfig": "a list stands where values by name belong, as {type: int, low: 1, high: 8}",
    "ListConfig with DictConfig": "values by name stand where a list belongs, as in [a, b]",
}
# of the line in which a fault stands
NUM_SIGNS = 40
RAISED = re.compile(r"\w+ raised while composing config: ")


def yaml_problem(error: YAMLError | UnicodeDecodeError) -> str:
    """The file and the line, and what a person would call the fault."""
    if isinstance(error, UnicodeDecodeError):
        # which file it is, Hydra does not say
        before = error.object[: error.start].decode("utf-8", "replace").rpartition("\n")[2][-NUM_SIGNS:]
        return f"a config file is no text in UTF-8, after '{before.strip()}'; save it in UTF-8"
    if not isinstance(error, MarkedYAMLError) or error.problem_mark is None:
        return f"a config file cannot be read: {' '.join(str(error).split())}"
    return f"{error.problem_mark.name}, {yaml_fault(error)}"


def composing_problem(error: Exception) -> str:
    """Hydra's message about files and their defaults, with what to do where that is known."""
    text = str(error).strip()
    if isinstance(error, MissingConfigException) and error.missing_cfg_file:
        return _missing(error, text.splitlines()[0])
    if isinstance(error, HydraException) and (found := CHOSEN_TWICE.search(text)):
        return f"{found[1]} is chosen already; leave the + out, {found[1]}=..."
    line = " ".join(_lines(text)[:2])
    for words, meaning in KINDS.items():
        if words in line:
            return RAISED.sub("", line.partition("Cannot merge ")[0]) + meaning
    return line


def _missing(error: MissingConfigException, line: str) -> str:
    group, _, option = str(error.missing_cfg_file).rpartition("/")
    line = line.rstrip(".")
    if error.options:
        return f"{line}; {option_suggestion(option, error.options)}"
    if "/" in group:
        return f"{line}; in a file's defaults, a group begins with a slash: /{group.partition('/')[2]}: {option}"
    return line


def _lines(text: str) -> Sequence[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]
