"""Rows that are held out here beside those that a config of theirs holds out."""

from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any

import yaml

VALIDATION = ("data.validation_share", "data.validation_file", "data.eval_split")
TEST = {"data.test_share", "data.test_file", "data.test_split"}
# keys of theirs that speak of validation rows, also where their value is none of ours
THEIRS = ("val_size", "val_set_size", "eval_dataset")


def told_at(values: Mapping[str, Any], said_by: Mapping[str, str], told: Mapping[str, str]) -> Iterator[str]:
    """The key of theirs at which a person should learn of the test rows, if there is one.

    Args:
        values: Of our keys.
        said_by: The key of theirs that said each.
        told: What is told of theirs.
    """
    if TEST & values.keys():
        return
    names = [said_by[key] for key in VALIDATION if key in said_by] or [name for name in THEIRS if name in told]
    yield from names[:1]


def told_sentence() -> str:
    """That more rows are held out than theirs says, and how they are not."""
    share = yaml.safe_load(files("slimtune.conf").joinpath("data/file.yaml").read_text("utf-8"))["test_share"]
    return (
        f"{100 * share:g} % more of the rows are held out for the winner's test; data.test_share: 0 trains on them "
        "too, and the winner then has no test scores"
    )
