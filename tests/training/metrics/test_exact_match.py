from slimtune.training.metrics.exact_match import ExactMatch


def test_white_space_at_the_ends_is_no_difference_and_case_is() -> None:
    predictions = [" Paris\n", "paris", "New  York", ""]
    references = ["Paris", "Paris", "New York", " "]
    assert ExactMatch(keep_in_memory=True).compute(predictions=predictions, references=references) == {
        "exact_match": 0.5
    }
