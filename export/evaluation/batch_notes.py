"""What a person should know of scores whose rows are answered a batch at a time."""

from slimtune.export.bundle.bundle import Bundle
from slimtune.export.config import Variant

# activations have the range of all rows of a batch
BY_BATCH = Variant.int8_dynamic.value


def batch_notes(*bundles: Bundle) -> list[str]:
    """That answers of one of the bundles depend on the rows beside them; none where they do not."""
    if all(bundle.manifest.variant != BY_BATCH for bundle in bundles):
        return []
    return [f"{BY_BATCH} rounds by all rows of a batch: beside other rows, or alone, a row may be answered otherwise"]
