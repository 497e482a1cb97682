"""Lengths that rows are filled up to, so that few shapes serve all batches."""

# up to this many tokens in steps of the first number, and so on: at most an eighth of padding from 64 tokens on
STEPS = ((64, 8), (256, 32), (1024, 128))
LONG_STEP = 256


def bucket_length(length: int) -> int:
    """The smallest length of a bucket that has room for so many tokens."""
    step = next((step for most, step in STEPS if length <= most), LONG_STEP)
    return -(-length // step) * step
