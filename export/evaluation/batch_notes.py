"""What a person should know of scores whose rows are answered a batch at a time."""

from slimtune.export.bundle.bundle import Bundle
from slimtune.export.config import Variant
from slimtune.training.listed_names import agreeing

# activations have the range of all rows of a batch
BY_BATCH = Variant.int8_dynamic.value


def batch_notes(**bundles: Bundle) -> list[str]:
    """That answers of a bundle depend on the rows beside them; none where they do not.

    Args:
        bundles: Each by what a person calls it, e.g. `champion`.
    """
    found = [called for called, bundle in bundles.items() if bundle.manifest.variant == BY_BATCH]
    if not found:
        return []
    whose = f"the {' and the '.join(found)} {agreeing(len(found), 'is', 'are')}"
    return [
        f"{whose} in {BY_BATCH}, which rounds by all rows of a batch: beside other rows, or alone, a row may be "
        "answered otherwise"
    ]
