import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score
from sklearn.preprocessing import MultiLabelBinarizer

from slimtune.training.metrics.multilabel import multilabel_f1

label_sets = st.lists(st.integers(0, 4), max_size=4)


@settings(deadline=None, max_examples=80)
@given(rows=st.lists(st.tuples(label_sets, label_sets), min_size=1, max_size=8))
def test_scores_are_those_of_scikit_learn_over_the_labels_that_occur(rows: list[tuple[list[int], list[int]]]) -> None:
    """Single labels and repeated ones too; without any label all F1 are 0."""
    predictions, references = map(list, zip(*rows, strict=True))
    scores = multilabel_f1(predictions=predictions, references=references)
    binarizer = MultiLabelBinarizer(classes=range(5))
    expected, predicted = binarizer.fit_transform(references), binarizer.transform(predictions)
    occurring = sorted({label for row in predictions + references for label in row})
    for average in ("macro", "micro", "weighted", "samples"):
        # scikit-learn takes an empty list of labels as an error
        f1 = f1_score(expected, predicted, labels=occurring, average=average, zero_division=0) if occurring else 0.0
        assert scores[f"f1_{average}"] == pytest.approx(f1), average
    assert scores["subset_accuracy"] == pytest.approx(accuracy_score(expected, predicted))


def test_averages_by_hand() -> None:
    """Label 1 is found in one of two rows, label 2 is found, label 3 is made up."""
    scores = multilabel_f1(predictions=[[1, 2], [3]], references=[[2, 1], [1]])
    assert scores == pytest.approx(
        {
            "f1_macro": (2 / 3 + 1 + 0) / 3,
            "f1_micro": 2 * 2 / (3 + 3),
            "f1_weighted": (2 * 2 / 3 + 1 * 1) / 3,
            "f1_samples": (1 + 0) / 2,
            "subset_accuracy": 0.5,
        }
    )
