"""Label names as a checkpoint's config has them."""

from collections.abc import Sequence

MOST_NAMED = 5


def label_options(labels: Sequence[str]) -> dict[str, object]:
    """Keyword arguments of `from_pretrained` for a head with these labels, in the order of their ids."""
    return {
        "num_labels": len(labels),
        "id2label": dict(enumerate(labels)),
        "label2id": {label: index for index, label in enumerate(labels)},
    }


def the_names(what: str, names: Sequence[str]) -> str:
    """`the label 'a'`, or `the labels 'a', 'b' and 3 more`."""
    if len(names) == 1:
        return f"the {what} '{names[0]}'"
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return f"the {what}s {', '.join(map(repr, names[:MOST_NAMED]))}{more}"
