"""Label names as a checkpoint's config has them, and as YAML reads them."""

import json
from collections.abc import Iterable, Mapping, Sequence

from slimtune.training.data.cells import label_name

MOST_NAMED = 5
# words that YAML 1.1 reads as booleans where they are not quoted
YAML_BOOLEANS = {"yes": "true", "on": "true", "true": "true", "no": "false", "off": "false", "false": "false"}


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


def unquoted_labels(key: str, held: Sequence[str] | Mapping[str, object], wanted: Iterable[str]) -> str | None:
    """What is wrong with a key in which YAML has read names without quotes as booleans; None if it has not.

    Args:
        key: Of the config.
        held: Its labels, or its values by label.
        wanted: Labels of the rows that it lacks.
    """
    names = list(map(label_name, map(str, held)))
    words = {boolean: word for word in wanted if (boolean := YAML_BOOLEANS.get(word.lower())) in names}
    if not words:
        return None
    quoted = [json.dumps(words.get(name, name), ensure_ascii=False) for name in names]
    if isinstance(held, Mapping):
        written = f"{{{', '.join(f'{name}: {value}' for name, value in zip(quoted, held.values(), strict=True))}}}"
    else:
        written = f"[{', '.join(quoted)}]"
    return (
        f"{key} holds {' and '.join(map(str, words))}, as YAML reads an unquoted {' and '.join(words.values())}; "
        f"write {key.rpartition('.')[2]}: {written}"
    )
