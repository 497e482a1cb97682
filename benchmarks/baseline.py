"""What simple models score on the tone phrases: `python -m benchmarks.baseline`."""

from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline

from slimtune.training.data.readers.reader import read_rows

FOLDS = StratifiedKFold(5, shuffle=True, random_state=0)
TOKENS = r"[\w']+|[!?]"


def main() -> None:
    """Print a table of cross-validated accuracies."""
    rows = read_rows("package:slimtune/training/data/corpora/tone.jsonl")
    texts, labels = [row["text"] for row in rows], [row["label"] for row in rows]
    print(f"{len(rows)} rows, five folds\n")
    for name, model in models().items():
        scores = cross_val_score(model, texts, labels, cv=FOLDS, scoring="accuracy")
        print(f"{name:32} {scores.mean():.3f} +- {scores.std():.3f}")


def models() -> dict[str, object]:
    """The baselines by name."""
    return {
        "majority class": DummyClassifier(),
        "bag of words": make_pipeline(
            TfidfVectorizer(token_pattern=TOKENS, sublinear_tf=True), LogisticRegression(C=5, max_iter=2000)
        ),
        "bag of words and word pairs": make_pipeline(
            TfidfVectorizer(token_pattern=TOKENS, ngram_range=(1, 2), sublinear_tf=True),
            LogisticRegression(C=5, max_iter=2000),
        ),
    }


if __name__ == "__main__":
    main()
