import math

from slimtune.training.tracking.display import by_dotted_key, display, log10_params, told_scores, told_warnings, warned


def test_params_are_flat_and_short() -> None:
    assert by_dotted_key({"a": {"b": 1, "c": {"d": [1]}}, "e": {}}) == {"a.b": 1, "a.c.d": [1], "e": {}}
    assert [display(value) for value in (0.000123456, 8, None, "x")] == ["0.0001235", "8", "None", "x"]
    assert log10_params({"fit.learning_rate": 0.001, "method.r": 8, "a.b": 100}, ["fit.learning_rate", "a.b"]) == {
        "log10_learning_rate": "-3.00",
        "log10_b": "2.00",
    }


def test_warnings_are_counted_beside_notes_of_other_configs_too() -> None:
    """A word in the middle of a note is none."""
    notes = ["as usual", warned("rows leak"), f"model=other: {warned('slow')}", "without warning: none"]
    assert told_warnings(notes[:1]) == told_warnings(notes[3:]) == ""
    assert told_warnings(notes[:2]) == ", with 1 warning (above)"
    assert told_warnings(notes) == ", with 2 warnings (above)"


def test_a_test_score_is_told_with_its_interval_or_that_it_has_none() -> None:
    """As files have it too, where NaN is null; what has no number itself is left out."""
    scores = {
        "chrf": {"value": 8.25, "low": 5.0, "high": 12.5},
        "accuracy": {"value": 1.0, "low": math.nan, "high": math.nan},
        "loss": {"value": 0.5, "low": None, "high": None},
        "average_precision": {"value": math.nan, "low": math.nan, "high": math.nan},
        "f1": {"value": None, "low": None, "high": None},
    }
    assert list(map(str, told_scores(scores))) == [
        "chrf 8.2500 of 100 (5.0000 to 12.5000)",
        "accuracy 1.0000 (no interval)",
        "loss 0.5000 (no interval)",
    ]
