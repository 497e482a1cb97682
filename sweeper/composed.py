"""Plain values from Hydra's composed config."""

from typing import Any

from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from training.errors import ConfigError


def plain(config: DictConfig) -> dict[str, Any]:
    """The app's part of the config, interpolations resolved; missing values stay `???`.

    Raises:
        ConfigError: An interpolation leads nowhere.
    """
    own = OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"])
    try:
        values: dict[str, Any] = OmegaConf.to_container(own, resolve=True)  # type: ignore[assignment]
    except (OmegaConfBaseException, HydraException) as error:
        raise ConfigError([str(error).splitlines()[0]]) from error
    return values
