import pytest

from slimtune.training.metrics.load import OURS, load_metric
from slimtune.training.metrics.module import EvaluateModule
from tests.training.metrics.examples import EXAMPLES


@pytest.mark.parametrize("name", OURS)
def test_every_metric_is_an_evaluate_module_too(name: str) -> None:
    """evaluate's own `compute` gives what the function gives; no hub is asked."""
    rows = EXAMPLES[name]
    module = EvaluateModule(name, keep_in_memory=True)
    assert module.compute(predictions=rows, references=rows) == load_metric(name).compute(rows, rows, None)


def test_rows_may_be_added_one_by_one() -> None:
    module = EvaluateModule("accuracy")
    for prediction, reference in ((0, 0), (1, 1), (1, 2), (2, 2)):
        module.add_batch(predictions=[prediction], references=[reference])
    assert module.compute() == {"accuracy": 0.75}


def test_graded_references_are_not_cut_to_whole_numbers() -> None:
    """As integers, 0.5 would be 0, and the rows would have scores."""
    scores = EvaluateModule("pair_scores", keep_in_memory=True).compute(predictions=[0.1, 0.2], references=[0.5, 1])
    assert scores["average_precision"] != scores["average_precision"]
