"""The rows of a config as a run's inputs."""

from collections.abc import Mapping

from slimtune.training.config.data import DataConfig
from slimtune.training.tracking.run import TrackedSplit


def tracked_splits(data: DataConfig, sizes: Mapping[str, int], *, digest: str) -> list[TrackedSplit]:
    """An input for each split that has rows.

    Args:
        data: Where they come from.
        sizes: Rows of each split.
        digest: sha256 of all of them.
    """
    files = {"validation": data.validation_file, "test": data.test_file}
    return [
        TrackedSplit(
            name=name,
            data=data.name,
            source=str(files.get(name) or data.train_file),
            digest=digest,
            profile={"num_rows": size},
        )
        for name, size in sizes.items()
        if size
    ]
