from slimtune.training.tracking.display import by_dotted_key, display, log10_params


def test_params_are_flat_and_short() -> None:
    assert by_dotted_key({"a": {"b": 1, "c": {"d": [1]}}, "e": {}}) == {"a.b": 1, "a.c.d": [1], "e": {}}
    assert [display(value) for value in (0.000123456, 8, None, "x")] == ["0.0001235", "8", "None", "x"]
    assert log10_params({"fit.learning_rate": 0.001, "method.r": 8, "a.b": 100}, ["fit.learning_rate", "a.b"]) == {
        "log10_learning_rate": "-3.00",
        "log10_b": "2.00",
    }
