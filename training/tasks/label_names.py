"""Label names as a checkpoint's config has them, and as YAML reads them."""

import json
from collections.abc import Iterable, Mapping, Sequence

from slimtune.training.alike_names import looks_like
from slimtune.training.data.label_cells import label_name

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


def the_names(what: str, names: Sequence[str], *, known: Sequence[str] = ()) -> str:
    """`the label 'a'`, or `the labels 'a', 'b' and 3 more`; with what looks like it among those that are known."""
    shown = [f"'{name}'{looks_like(name, known)}" for name in names[:MOST_NAMED]]
    if len(names) == 1:
        return f"the {what} {shown[0]}"
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return f"the {what}s {', '.join(shown)}{more}"


def unquoted_labels(key: str, held: Sequence[str] | Mapping[str, object], wanted: Iterable[str]) -> str | None:
    """What is wrong with a key in which YAML has read names without quotes as booleans; None if it has not.

    Args:
        key: Of the config.
        held: Its labels, or its values by label.
        wanted: Labels of the rows that it lacks.
    """
    names = list(map(label_name, map(str, held)))
    words: dict[str, list[str]] = {}
    for word in wanted:
        if (boolean := YAML_BOOLEANS.get(word.lower())) in names:
            words.setdefault(str(boolean), []).append(word)
    if not words:
        return None
    quoted = [json.dumps(name, ensure_ascii=False) for name in _as_written(names, words)]
    if isinstance(held, Mapping):
        written = f"{{{', '.join(f'{name}: {value}' for name, value in zip(quoted, held.values(), strict=True))}}}"
    else:
        written = f"[{', '.join(quoted)}]"
    return (
        f"{key} holds {' and '.join(map(str, words))}, as YAML reads an unquoted "
        f"{' and '.join(word for one in words.values() for word in one)}; write {key.rpartition('.')[2]}: {written}"
    )


def numbers_misread(key: str, unknown: Iterable[str], labels: Iterable[str]) -> str | None:
    """What is wrong with a key that has a number in the place of a label that is written otherwise: 1 for +1.

    Args:
        key: Of the config.
        unknown: Its names that are no labels.
        labels: Of the rows.
    """
    for name in unknown:
        for label in labels:
            if _number(name) is not None and _number(name) == _number(label):
                return (
                    f"{key} has '{name}', which is no label: {label} without quotes is read as that number; set "
                    f'{key} in a config file, with "{label}" in quotes, which the command line does not take there'
                )
    return None


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _as_written(names: Sequence[str], words: Mapping[str, Sequence[str]]) -> list[str]:
    """The names with words in the place of booleans, one after the other where there are several."""
    left = {boolean: [*written] for boolean, written in words.items()}
    return [left[name].pop(0) if left.get(name) else words[name][-1] if name in words else name for name in names]
