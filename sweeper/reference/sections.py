"""The sections of the config, the types that may stand in each, and the options of its config group."""

from collections.abc import Mapping, Sequence
from importlib import resources
from typing import NamedTuple

from slimtune.export.config import EXPORTS, TargetConfig
from slimtune.export.promotion.config import PromotionConfig
from slimtune.sweeper.pruner_config import PRUNERS
from slimtune.sweeper.sampler_config import SAMPLERS
from slimtune.sweeper.search_config import SearchConfig
from slimtune.training.config.data import DataConfig
from slimtune.training.config.fit import FitConfig
from slimtune.training.config.method import METHODS
from slimtune.training.config.model import ModelConfig
from slimtune.training.config.task import TASK_SECTIONS, CustomTask
from slimtune.training.config.tracking import TrackingConfig

# of a section that is of one type, whatever its option
ANY = ""


class Section(NamedTuple):
    """A section of the config.

    Attributes:
        path: Of its keys, e.g. `search.sampler`.
        kinds: Its types by the value of the key `name`; by "" where there is but one.
    """

    path: str
    kinds: Mapping[str, type]

    @property
    def group(self) -> str:
        """The config group that fills it."""
        return self.path.replace(".", "/")


SECTIONS = (
    Section("task", {**TASK_SECTIONS, "???": CustomTask}),
    Section("data", {ANY: DataConfig}),
    Section("model", {ANY: ModelConfig}),
    Section("method", METHODS),
    Section("fit", {ANY: FitConfig}),
    Section("search", {ANY: SearchConfig}),
    Section("search.sampler", SAMPLERS),
    Section("search.pruner", PRUNERS),
    Section("tracking", {ANY: TrackingConfig}),
    Section("export", EXPORTS),
    Section("export.target", {ANY: TargetConfig}),
    Section("promotion", {ANY: PromotionConfig}),
)
# groups that hold choices and values of several sections, or of a section that has any keys
WIDE_GROUPS = {
    "experiment": "Choices and values of several sections under one name.",
    "space": "What is searched: a dimension at the path of each key that is.",
    "hydra/launcher": "Where workers run.",
}


def group_options(group: str) -> Sequence[str]:
    """The names of a group's files."""
    folder = resources.files("slimtune.conf").joinpath(group)
    return sorted(file.name.removesuffix(".yaml") for file in folder.iterdir() if file.name.endswith(".yaml"))


def option_comment(group: str, option: str) -> str:
    """What the file of an option says of itself: the comments at its beginning; none is an empty text."""
    lines = resources.files("slimtune.conf").joinpath(f"{group}/{option}.yaml").read_text("utf-8").splitlines()
    said = []
    for line in lines:
        if not line.startswith("#"):
            break
        if not line.startswith("# @package"):
            said.append(line.lstrip("# "))
    return "; ".join(said)
