"""The best answers that a model can give for some rows, and what they score, which may be less than a metric's most.

Of two-valued labels no ranking of different cosines has a correlation of 1; a row without labels adds nothing to
`f1_samples`; a span within a word is found by no tag.
"""

import math
from collections import defaultdict
from collections.abc import Hashable, Sequence

from scipy.stats import rankdata

from slimtune.training.config.task import ClassificationTask, ExtractionTask, GenerationTask, SimilarityTask
from slimtune.training.config.trial import TrialConfig
from slimtune.training.data.examples import Example
from slimtune.training.data.spans import Span, spans_of_words, tags_of_spans
from slimtune.training.data.tokenizing.words import word_ranges
from slimtune.training.metrics import Measure, Tally, compute_all
from slimtune.training.models.generate import some_rows
from slimtune.training.tasks.baselines import MAX_ANSWERS, scored_rows

# scores that a wrong answer may have more of than the right one: of texts of less than four words BLEU is 0, and a
# threshold is no score
OTHERS_ARE_BETTER = ("bleu", "best_threshold")


def best_score(config: TrialConfig, measures: Sequence[Measure], examples: Sequence[Example]) -> float | None:
    """The most that a model can have of `task.metric` on rows; None where it is not known, or has no bound.

    Args:
        config: Of the trial.
        measures: Those of its task.
        examples: The rows, of which those count that simple models are scored on.
    """
    metric = config.task.metric
    asked = [one for one in measures if metric in one.keys and "weight" not in one.needs and one.own is None]
    if not asked or metric in OTHERS_ARE_BETTER or not examples:
        return None
    answers = right_answers(config, examples)
    score = math.nan if answers is None else compute_all(asked, answers).get(metric, math.nan)
    return None if math.isnan(score) else score


def right_answers(config: TrialConfig, examples: Sequence[Example]) -> Tally | None:
    """The best answers beside the references; None of tasks where they are not known, or get all."""
    match config.task:
        case SimilarityTask():
            return Tally.of(prediction=best_cosines(examples), reference=[float(one.label) for one in examples])
        case ClassificationTask(multi_label=True):
            labels = [examples[row].labels for row in scored_rows(len(examples))]
            return Tally.of(prediction=labels, reference=labels)
        case GenerationTask():
            asked = some_rows(len(examples), MAX_ANSWERS, seed=config.data.seed)
            texts = [examples[row].label.strip() for row in asked]
            return Tally.of(prediction=texts, reference=texts)
        case ExtractionTask():
            rows = [examples[row] for row in some_rows(len(examples), MAX_ANSWERS, seed=0)]
            return Tally.of(
                example=range(len(rows)),
                spans=[tuple((start, end, f"B-{label}") for start, end, label in _reached(one)) for one in rows],
                gold=[one.spans for one in rows],
                data=[one.row for one in rows],
            )
        case _:
            return None


def best_cosines(examples: Sequence[Example]) -> list[float]:
    """Numbers in the order of the labels, different ones of all pairs but the same two texts; most of one text twice.

    No others have a higher rank correlation, as long as a model has different cosines for different pairs.
    """
    ranks = rankdata([float(one.label) for one in examples])
    by_texts: dict[Hashable, list[float]] = defaultdict(list)
    for one, rank in zip(examples, ranks.tolist(), strict=True):
        by_texts[_texts(one)].append(rank)
    # pairs of one text twice have one cosine, whichever text it is
    ordered = sorted(by_texts, key=lambda texts: (texts is None, sum(by_texts[texts]) / len(by_texts[texts])))
    places = {texts: float(place) for place, texts in enumerate(ordered)}
    return [places[_texts(one)] for one in examples]


def _texts(pair: Example) -> Hashable:
    return None if pair.text == pair.pair else frozenset((pair.text, pair.pair))


def _reached(example: Example) -> list[Span]:
    """Spans of the row that tags of its words can say."""
    words = word_ranges(example.text)
    tags = tags_of_spans(words, example.spans)
    found = spans_of_words([(start, end, tag) for (start, end), tag in zip(words, tags, strict=True)])
    return sorted(set(example.spans) & set(found))
