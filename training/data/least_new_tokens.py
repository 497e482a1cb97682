"""How long an answer must be at least; no PyTorch."""


def least_new_tokens(min_length: int, min_new_tokens: int | None, *, before: int) -> int:
    """Tokens that an answer has at least, as transformers counts them for a row alone.

    Args:
        min_length: Of prompt and answer together, or of the start and the answer of an encoder-decoder.
        min_new_tokens: Of the answer, in place of that.
        before: Tokens that stand before the answer.
    """
    return max(0, min_length - before) if min_new_tokens is None else min_new_tokens
