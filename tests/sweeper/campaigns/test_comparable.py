"""Which dimensions make trials that do not compare."""

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
