"""Simple models that a model is compared with: what each is called, and how it answers."""

MAJORITY, BAG_OF_WORDS, NEAREST, LOOKUP, OVERLAP, UNIGRAM, MEAN = (
    "majority",
    "bag_of_words",
    "nearest",
    "lookup",
    "word_overlap",
    "unigram",
    "mean",
)
# of those whose names do not say it
ANSWERS = {
    MAJORITY: "always the largest class",
    NEAREST: "the answer of the most alike training row",
    LOOKUP: "the spans of the training rows, looked up",
    OVERLAP: "the share of common words",
    UNIGRAM: "token counts alone",
    MEAN: "always the mean",
}


def short_name(name: str) -> str:
    """As people read it: `bag of words`."""
    return name.replace("_", " ")


def told_baseline(name: str) -> str:
    """Its short name, and how it answers: `nearest (the answer of the most alike training row)`."""
    return f"{short_name(name)} ({ANSWERS[name]})" if name in ANSWERS else short_name(name)
