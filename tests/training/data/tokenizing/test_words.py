"""Words of texts, whatever a tokenizer takes for one."""

from slimtune.training.data.tokenizing.words import first_tokens, word_ranges


def test_words_are_ours_and_not_the_tokenizers() -> None:
    """A tokenizer that leaves a comma with its word still has a tag for the word alone."""
    text = "in Berlin, too"
    words = word_ranges(text)
    assert [text[start:end] for start, end in words] == ["in", "Berlin", ",", "too"]
    offsets = [None, (0, 2), (2, 6), (6, 10), (10, 14), None]
    assert first_tokens(offsets, words, -1) == {0: 1, 1: 2, 2: 3, 3: 4}
    assert first_tokens(offsets, words, 1) == {2: 3, 3: 4}
