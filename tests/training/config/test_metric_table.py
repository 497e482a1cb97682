"""`docs/tasks.md` says which names `task.metric` takes for each task."""

from pathlib import Path

import pytest

from slimtune.training.config.task import Direction, fitting_metrics, known_direction, parse_task, scores_of
from tests.composed import plain_config

PAGE = Path(__file__).parents[3] / "docs/tasks.md"
HEAD = "| task | default | also | where `task.metrics` names what gives it |\n| -- | -- | -- | -- |"
TASKS = (
    "classification",
    "multi_label",
    "generation",
    "summarization",
    "translation",
    "language_modelling",
    "extraction",
    "similarity",
)
# goes with a score, and is none
NO_SCORE = "best_threshold"
LESS = "Less is better of `loss` and `perplexity`, more of all others"


def row_of(name: str) -> str:
    """The line of a task, from its file and from what fits it."""
    task = parse_task(plain_config([f"task={name}", "data.train_file=x"])["task"]).section
    own = [score for score in scores_of(task.metrics) if score != NO_SCORE]
    more = [
        f"{', '.join(f'`{score}`' for score in scores_of([metric])[1:])} (`{metric}`)"
        for metric in fitting_metrics(task)
        if metric not in task.metrics
    ]
    also = ", ".join(f"`{score}`" for score in own if score != task.metric)
    return f"| `{name}` | `{task.metric}` | {also} | {'; '.join(more)} |".replace("|  |", "| |")


@pytest.mark.parametrize("name", TASKS)
def test_the_table_has_what_the_task_takes(name: str) -> None:
    assert row_of(name) in PAGE.read_text("utf-8").splitlines()


def test_which_way_is_better_is_said() -> None:
    page = " ".join(PAGE.read_text("utf-8").split())
    assert HEAD in PAGE.read_text("utf-8")
    assert LESS in page
    scores = {score for name in TASKS for score in _all_of(name)}
    assert {one for one in scores if known_direction(one) is Direction.minimize} == {"loss", "perplexity"}


def _all_of(name: str) -> list[str]:
    task = parse_task(plain_config([f"task={name}", "data.train_file=x"])["task"]).section
    return scores_of(fitting_metrics(task))
