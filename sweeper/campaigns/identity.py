"""What makes a sweep the same sweep: its config without machine settings, and its data."""

from collections.abc import Mapping
from typing import Any

from slimtune.sweeper.search.request import SweepRequest
from slimtune.training.errors import StoreError
from slimtune.training.tracking.display import by_dotted_key

IDENTITY_SECTIONS = ("task", "data", "model", "method", "fit")
# may differ between the command that began a sweep and the one that resumes it
MACHINE_KEYS = {"data.cache_dir", "fit.device", "fit.threads", "fit.slots", "fit.eval_batch_size"}


def identity_of(request: SweepRequest, data_fingerprint: str) -> dict[str, str]:
    """Everything that trials and scores depend on, by key."""
    values: dict[str, Any] = by_dotted_key({name: request.values[name] for name in IDENTITY_SECTIONS})
    config = request.search.config
    values |= {"search.seed": config.seed, "search.direction": config.direction.value}
    values |= {"search.stop_hopeless": config.stop_hopeless}
    values |= {"search.sampler": request.search.sampler, "search.pruner": request.search.pruner}
    values |= {f"space.{key}": dimension for key, dimension in request.space.items()}
    values["the rows of the data"] = data_fingerprint
    return {key: str(value) for key, value in values.items() if key not in MACHINE_KEYS}


def check_same(known: Mapping[str, str] | None, now: Mapping[str, str], *, name: str) -> None:
    """Compare a sweep with its beginning.

    Raises:
        StoreError: It was begun with something else; all differences are named.
    """
    if known is None or known == now:
        return
    changed = [
        f"  - {key}: {known.get(key, 'not there')} -> {now.get(key, 'not there')}"
        for key in sorted(known.keys() | now.keys())
        if known.get(key) != now.get(key)
    ]
    raise StoreError(
        "\n".join(
            [
                f"the sweep '{name}' was begun with another config, so its trials do not compare:",
                *changed,
                "take another search.name, or remove the sweep's folder to begin anew",
            ]
        )
    )
