import base64
import json
import zlib

from slimtune.sweeper.reporting.saved_view import view_tag


def test_the_view_shows_trials_by_objective_with_their_parameters() -> None:
    """Unpacked as the UI does it: the filter, the order, the columns, and no chart without its key."""
    tag = json.loads(view_tag(["fit.learning_rate", "method.r"], ["validation/loss"], maximize=True))
    packed = tag["state"].removeprefix("deflate;")
    state = json.loads(zlib.decompress(base64.b64decode(packed)))
    assert state["searchFilter"] == "tags.kind = 'trial'"
    assert (state["orderByKey"], state["orderByAsc"]) == ("metrics.`objective`", False)
    assert state["selectedColumns"][:3] == ["metrics.`objective`", "params.`fit.learning_rate`", "params.`method.r`"]
    kinds = [chart["type"] for chart in state["compareRunCharts"]]
    assert kinds == ["PARALLEL", "LINE", "LINE", "SCATTER", "SCATTER"]
    assert state["compareRunCharts"][0]["selectedParams"] == ["log10_learning_rate", "method.r"]


def test_less_is_better_sorts_the_other_way() -> None:
    tag = json.loads(view_tag([], [], maximize=False))
    state = json.loads(zlib.decompress(base64.b64decode(tag["state"].removeprefix("deflate;"))))
    assert state["orderByAsc"] is True
