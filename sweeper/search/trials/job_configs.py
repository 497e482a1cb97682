"""The configs of an app's jobs: as Hydra composes them, without reading its files for each."""

import copy
from collections.abc import Sequence
from typing import NamedTuple

from hydra._internal.config_loader_impl import ConfigLoaderImpl, get_overrides_dirname
from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf


class _Common(NamedTuple):
    config: DictConfig
    overrides: list[Override]


class JobConfigs:
    """What trials have in common is composed once: composing takes more than a tenth of a second.

    Args:
        loader: Composes.
        config: The sweep's.
    """

    def __init__(self, loader: ConfigLoader, config: DictConfig) -> None:
        self._loader, self._config = loader, config
        self._common: dict[tuple[str, ...], _Common] = {}

    def anew(self, overrides: Sequence[str]) -> DictConfig:
        """Composed by Hydra."""
        composed: DictConfig = self._loader.load_sweep_config(self._config, list(overrides))
        return composed

    def with_values(self, common: Sequence[str], values: Sequence[str]) -> DictConfig:
        """The same as `anew`, from a copy of what Hydra has composed of the common overrides.

        Args:
            common: Overrides that come first.
            values: Overrides of values; none chooses an option of a config group.
        """
        parsed = OverridesParser.create().parse_overrides(list(values))
        if any(one.is_hydra_override() for one in parsed):
            return self.anew([*common, *values])
        begun = self._composed(common)
        config = copy.deepcopy(begun.config)
        ConfigLoaderImpl._apply_overrides_to_config(parsed, config)
        config.hydra.overrides.task.extend([one.input_line for one in parsed])
        config.hydra.job.override_dirname = _dirname(config, [*begun.overrides, *parsed])
        OmegaConf.copy_cache(from_config=self._config, to_config=config)
        return config

    def _composed(self, common: Sequence[str]) -> _Common:
        key = tuple(common)
        if key not in self._common:
            parsed = OverridesParser.create().parse_overrides(list(common))
            self._common[key] = _Common(self.anew(common), [one for one in parsed if not one.is_hydra_override()])
        return self._common[key]


def _dirname(config: DictConfig, overrides: list[Override]) -> str:
    form = config.hydra.job.config.override_dirname
    name: str = get_overrides_dirname(
        overrides=overrides, kv_sep=form.kv_sep, item_sep=form.item_sep, exclude_keys=form.exclude_keys
    )
    return name
