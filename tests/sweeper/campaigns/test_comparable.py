"""Which dimensions make trials that do not compare."""

import pytest

from slimtune.sweeper.campaigns.comparable import dimension_problems


def test_batches_are_not_searched_where_steps_say_when_to_evaluate() -> None:
    """Rungs would be at other numbers of rows; what keeps checkpoints changes no result."""

    def variants(**fit: object) -> list[dict[str, object]]:
        return [{"fit": {"batch_size": size, **fit}} for size in (8, 32)]

    (told,) = dimension_problems("fit.batch_size", variants(eval_steps=50))
    assert told.startswith("fit.batch_size is searched and fit.eval_steps is 50")
    assert dimension_problems("fit.batch_size", variants(eval_steps=None)) == []
    (told,) = dimension_problems("fit.save_steps", [{"fit": {"save_steps": steps}} for steps in (50, 100)])
    assert "no trial's result depends on it" in told


@pytest.mark.parametrize(
    ("key", "data", "is_refused"),
    [
        ("train_file", {"eval_split": "train[400:480]"}, True),
        ("train_file", {"validation_file": "v", "test_split": "train[480:]"}, True),
        ("validation_file", {"train_file": "a", "test_split": "validation[:50%]", "eval_split": "train[9:]"}, True),
        ("test_file", {"train_file": "a", "eval_split": "test"}, True),
        ("train_file", {"eval_split": "validation[:9]", "validation_file": "v"}, False),
        ("train_file", {}, True),
        ("train_file", {"validation_file": "v"}, False),
        ("dataset", {"train_split": "train", "eval_split": "validation"}, True),
        ("dataset_config", {"dataset": "org/a", "train_split": "train", "eval_split": "validation"}, True),
        ("train_split", {"dataset": "org/a", "eval_split": "validation"}, False),
        ("train_split", {"train_file": "a", "eval_split": "train[9:]"}, False),
        ("train_split", {"train_file": "a"}, True),
    ],
)
def test_what_names_the_rows_that_measure_is_not_searched(key: str, data: dict[str, object], is_refused: bool) -> None:
    """A slice is of the file that it names; what names training rows alone may be searched."""
    told = dimension_problems(f"data.{key}", [{"data": {**data, key: value}} for value in ("train[:4]", "train[:8]")])
    assert [f"data.{key} is searched: trials would be measured by different rows" in one for one in told] == (
        [True] if is_refused else []
    )
