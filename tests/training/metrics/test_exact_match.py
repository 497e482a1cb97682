from slimtune.training.metrics.exact_match import exact_match


def test_white_space_at_the_ends_is_no_difference_and_case_is() -> None:
    predictions = [" Paris\n", "paris", "New  York", ""]
    references = ["Paris", "Paris", "New York", " "]
    assert exact_match(predictions=predictions, references=references) == {"exact_match": 0.5}
