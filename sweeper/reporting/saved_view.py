"""A view of the sweep in the MLflow UI: by default it shows neither children nor metrics.

The format is MLflow's own for shared views (3.15 and later) and not documented: an MLflow that reads it otherwise shows
its plain list instead.
"""

import base64
import json
import time
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from slimtune.training.tracking.names import WINNER_TAG

VIEW_KEY = "leaderboard"
VIEW_TAG = f"mlflow.sharedViewState.{VIEW_KEY}"
OBJECTIVE = "objective"
LOSSES = ("train/loss", "validation/loss")


class ViewContent(NamedTuple):
    """What a view shows of trials.

    Attributes:
        axes: Of each searched key the param that a linear axis can show: its own, or its logarithm's.
        metrics: Columns beside the objective.
        curves: Metrics over the training examples, a chart each.
        maximize: Whether more of the objective is better.
    """

    axes: Mapping[str, str]
    metrics: Sequence[str]
    curves: Sequence[str]
    maximize: bool


class _Section(NamedTuple):
    """Charts under one heading, so many beside each other, of a height in pixels."""

    uuid: str
    name: str
    columns: int
    height: int


# a chart of many axes takes the whole width: beside others it cannot be read
PARAMETERS = _Section("parameters", "What leads to a good objective", 1, 420)
CURVES = _Section("curves", "Learning curves, by training examples", 2, 320)
SINGLE = _Section("single", "Objective by each searched value", 2, 320)


def view_tag(content: ViewContent) -> str:
    """The value of the experiment's tag: trials, the best first, with the columns and charts that matter."""
    state = {
        "searchFilter": "tags.kind = 'trial'",
        "orderByKey": f"metrics.`{OBJECTIVE}`",
        "orderByAsc": not content.maximize,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "datasetsFilter": [],
        "modelVersionFilter": "All Runs",
        "selectedColumns": _columns(content),
        "columnOrder": [],
        "columnWidths": {},
        "runsExpanded": {},
        "runsPinned": [],
        "runsHidden": [],
        "runsVisibilityMap": {},
        "runsHiddenMode": "SHOWALL",
        "compareRunCharts": _charts(content),
        "compareRunSections": [_section(one) for one in (PARAMETERS, CURVES, SINGLE)],
        "viewMaximized": False,
        "runListHidden": False,
        "isAccordionReordered": True,
        "useGroupedValuesInCharts": True,
        "hideEmptyCharts": True,
        "groupBy": None,
        "groupsExpanded": {},
        "autoRefreshEnabled": True,
        "globalLineChartConfig": {"xAxisKey": "step", "lineSmoothness": 0, "selectedXAxisMetricKey": ""},
    }
    packed = base64.b64encode(zlib.compress(json.dumps(state, separators=(",", ":")).encode(), 9)).decode()
    now = int(time.time() * 1000)
    return json.dumps({"name": "Leaderboard", "createdAt": now, "updatedAt": now, "state": f"deflate;{packed}"})


def _columns(content: ViewContent) -> list[str]:
    # metrics stand first whatever the order; the seconds are MLflow's own column, so that all is seen at 1280 pixels
    metrics = dict.fromkeys((OBJECTIVE, *content.metrics))
    return [
        *(f"metrics.`{key}`" for key in metrics),
        *(f"params.`{key}`" for key in content.axes),
        f"tags.`{WINNER_TAG}`",
        "tags.`state`",
    ]


def _section(section: _Section) -> dict[str, Any]:
    return {
        "uuid": section.uuid,
        "name": section.name,
        "columns": section.columns,
        "cardHeight": section.height,
        "display": True,
        "isReordered": True,
        "deleted": False,
        "isGenerated": False,
    }


def _charts(content: ViewContent) -> list[dict[str, Any]]:
    parallel = {
        "uuid": "parallel",
        "type": "PARALLEL",
        "selectedMetrics": [OBJECTIVE],
        "selectedParams": list(content.axes.values()),
        "showAllRuns": True,
        "displayName": "searched values and objective",
    }
    lines = [
        _line("loss", LOSSES, "loss: training and validation"),
        *(_line(key, [key], key) for key in content.curves),
    ]
    scatters = [
        {
            "uuid": f"scatter-{key}",
            "type": "SCATTER",
            "xaxis": {"key": axis, "type": "PARAM"},
            "yaxis": {"key": OBJECTIVE, "type": "METRIC"},
            "displayName": f"objective by {axis}",
        }
        for key, axis in content.axes.items()
    ]
    return [
        {**_common(PARAMETERS), **parallel},
        *({**_common(CURVES), **line} for line in lines),
        *({**_common(SINGLE), **scatter} for scatter in scatters),
    ]


def _common(section: _Section) -> dict[str, Any]:
    return {"runsCountToCompare": 20, "metricSectionId": section.uuid, "deleted": False, "isGenerated": False}


def _line(uuid: str, keys: Sequence[str], title: str) -> dict[str, Any]:
    return {
        "uuid": f"line-{uuid}",
        "type": "LINE",
        "metricKey": keys[0],
        "selectedMetricKeys": list(keys),
        "lineSmoothness": 0,
        "xAxisScaleType": "linear",
        "scaleType": "linear",
        "range": {},
        "xAxisKey": "step",
        "selectedXAxisMetricKey": "",
        "yAxisKey": "metric",
        "yAxisExpressions": [],
        "ignoreOutliers": False,
        "useGlobalXaxisKey": True,
        "useGlobalLineSmoothing": True,
        "displayName": title,
    }
