from slimtune.training.tracking.display import by_dotted_key, display, log10_params, told_warnings, warned


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
