import base64
import json
import zlib
from typing import Any

from slimtune.sweeper.reporting.saved_view import ViewContent, view_tag

CONTENT = ViewContent(
    axes={"fit.learning_rate": "log10_learning_rate", "method.r": "method.r"},
    metrics=["size_mb"],
    curves=["validation/accuracy"],
    maximize=True,
)


def state_of(content: ViewContent) -> dict[str, Any]:
    """Unpacked as the UI does it."""
    packed = json.loads(view_tag(content))["state"].removeprefix("deflate;")
    state: dict[str, Any] = json.loads(zlib.decompress(base64.b64decode(packed)))
    return state


def test_the_view_shows_trials_by_objective_with_their_parameters() -> None:
    """The filter, the order, the columns, and no chart without its key."""
    state = state_of(CONTENT)
    assert state["searchFilter"] == "tags.kind = 'trial'"
    assert (state["orderByKey"], state["orderByAsc"]) == ("metrics.`objective`", False)
    assert state["selectedColumns"] == [
        "metrics.`objective`",
        "metrics.`size_mb`",
        "params.`fit.learning_rate`",
        "params.`method.r`",
        "tags.`winner`",
        "tags.`state`",
    ]
    kinds = [chart["type"] for chart in state["compareRunCharts"]]
    assert kinds == ["PARALLEL", "LINE", "LINE", "SCATTER", "SCATTER"]
    assert state["compareRunCharts"][0]["selectedParams"] == ["log10_learning_rate", "method.r"]


def test_training_and_validation_loss_share_an_axis() -> None:
    loss = state_of(CONTENT)["compareRunCharts"][1]
    assert loss["selectedMetricKeys"] == ["train/loss", "validation/loss"]


def test_parallel_coordinates_have_the_whole_width() -> None:
    """Each chart stands in one of the sections; beside others, many axes cannot be read."""
    state = state_of(CONTENT)
    columns = {section["uuid"]: section["columns"] for section in state["compareRunSections"]}
    parallel, *others = state["compareRunCharts"]
    assert columns[parallel["metricSectionId"]] == 1
    assert {chart["metricSectionId"] for chart in others} == set(columns) - {parallel["metricSectionId"]}


def test_less_is_better_sorts_the_other_way() -> None:
    assert state_of(CONTENT._replace(maximize=False))["orderByAsc"] is True
