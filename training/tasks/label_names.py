"""Label names as a checkpoint's config has them."""

from collections.abc import Sequence


def label_options(labels: Sequence[str]) -> dict[str, object]:
    """Keyword arguments of `from_pretrained` for a head with these labels, in the order of their ids."""
    return {
        "num_labels": len(labels),
        "id2label": dict(enumerate(labels)),
        "label2id": {label: index for index, label in enumerate(labels)},
    }
