"""A view of the sweep in the MLflow UI: by default it shows neither children nor metrics.

The format is MLflow's own for shared views (3.15 and later) and not documented: an MLflow that reads it otherwise shows
its plain list instead.
"""

import base64
import json
import time
import zlib
from collections.abc import Sequence
from typing import Any

VIEW_KEY = "leaderboard"
VIEW_TAG = f"mlflow.sharedViewState.{VIEW_KEY}"
VIEW_SECTION = "sweep"


def view_tag(params: Sequence[str], metrics: Sequence[str], *, maximize: bool) -> str:
    """The value of the experiment's tag: trials sorted by objective, with the columns and charts that matter.

    Args:
        params: Sampled keys.
        metrics: Metrics to show beside the objective.
        maximize: Whether more of the objective is better.
    """
    state = {
        "searchFilter": "tags.kind = 'trial'",
        "orderByKey": "metrics.`objective`",
        "orderByAsc": not maximize,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "datasetsFilter": [],
        "modelVersionFilter": "All Runs",
        "selectedColumns": [
            "metrics.`objective`",
            *(f"params.`{key}`" for key in params),
            "tags.`state`",
            *(f"metrics.`{key}`" for key in metrics),
        ],
        "columnOrder": [],
        "columnWidths": {},
        "runsExpanded": {},
        "runsPinned": [],
        "runsHidden": [],
        "runsVisibilityMap": {},
        "runsHiddenMode": "SHOWALL",
        "compareRunCharts": _charts(params, metrics),
        "compareRunSections": [_section()],
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


def _section() -> dict[str, Any]:
    return {
        "uuid": VIEW_SECTION,
        "name": "Sweep",
        "display": True,
        "isReordered": True,
        "deleted": False,
        "isGenerated": False,
    }


def _charts(params: Sequence[str], metrics: Sequence[str]) -> list[dict[str, Any]]:
    parallel = {
        "uuid": "parallel",
        "type": "PARALLEL",
        "selectedMetrics": ["objective"],
        "selectedParams": [_axis(key) for key in params],
        "showAllRuns": True,
        "displayName": "what leads to a good objective",
    }
    scatters = [
        {
            "uuid": f"scatter-{key}",
            "type": "SCATTER",
            "xaxis": {"key": _axis(key), "type": "PARAM"},
            "yaxis": {"key": "objective", "type": "METRIC"},
            "displayName": f"{_axis(key)} and objective",
        }
        for key in params
    ]
    return [{**_common(), **chart} for chart in (parallel, *(_line(key) for key in ("objective", *metrics)), *scatters)]


def _axis(key: str) -> str:
    # the UI's axes are linear, so the learning rate is logged as its logarithm as well
    return "log10_learning_rate" if key.endswith("learning_rate") else key


def _common() -> dict[str, Any]:
    return {"runsCountToCompare": 20, "metricSectionId": VIEW_SECTION, "deleted": False, "isGenerated": False}


def _line(key: str) -> dict[str, Any]:
    return {
        "uuid": f"line-{key}",
        "type": "LINE",
        "metricKey": key,
        "selectedMetricKeys": [key],
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
        "displayName": f"{key} by training examples",
    }
