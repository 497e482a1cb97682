"""Several sweeps beside each other: what each came to, and in what settings they differ."""

from collections.abc import Container, Mapping
from typing import Any

from slimtune.sweeper.reporting.compared_table import METRIC, NONE
from slimtune.sweeper.reporting.live_table import number_text, value_text
from slimtune.sweeper.reporting.sweep_settings import SweepSettings
from slimtune.sweeper.study.analysis.outcome import winner_stage
from slimtune.sweeper.study.loaded import LoadedTrials
from slimtune.sweeper.study.record import IDENTITY, WINNER
from slimtune.training.fitted_table import FittedTable
from slimtune.training.tracking.display import told_span

# of a fingerprint, which says only whether two are the same
SHOWN_DIGITS = 12
SEARCHED = "searched"
# the key of a section that says which option of its group it is
OPTION = ".name"
# what is known by another key
FOLLOWS = {"task.direction": ("task.metric",), "search.direction": ("task.metric", "task.direction")}


def sweeps_table(sweeps: Mapping[str, LoadedTrials]) -> FittedTable:
    """A line a sweep: its winner, with the scores and the size of what was exported; a dash is what it has not yet."""
    metrics = {name: str((one.attrs.get(IDENTITY) or {}).get(METRIC, "")) for name, one in sweeps.items()}
    differ = len(set(metrics.values())) > 1
    table = FittedTable("sweeps, each with its winner")
    table.add_column("sweep", justify="left", folds=True)
    for head in ("trials", "winner", *["metric"] * differ, "validation mean", "test", "95 % interval", "MB"):
        table.add_column(head)
    for name, loaded in sweeps.items():
        winner, test = loaded.attrs.get(WINNER) or {}, _test(loaded.attrs, metrics[name])
        table.add_row(
            name,
            str(len(loaded.trials)),
            f"trial {winner['trial']}" if "trial" in winner else NONE,
            *[metrics[name] or NONE] * differ,
            number_text(winner.get("score")),
            number_text(test.get("value")),
            told_span(test["low"], test["high"]) if "low" in test and "high" in test else NONE,
            _size(loaded.attrs),
        )
    return table


def settings_table(sweeps: Mapping[str, LoadedTrials], settings: Mapping[str, SweepSettings]) -> FittedTable:
    """What was set and is not the same in all of these sweeps; names and places of outputs are left out.

    A key that a sweep searched is told with the value of its winner.

    Args:
        sweeps: By name.
        settings: Of each of them.
    """
    unknown = [name for name, one in settings.items() if one.others is None and one.identity]
    known = {name: {**one.identity, **({} if unknown else one.others or {})} for name, one in settings.items()}
    varied = _varied(known)
    table = FittedTable("settings, where they differ" if varied else "settings: the same in all")
    if varied:
        table.add_column("key", justify="left", folds=True)
        for name in known:
            table.add_column(name, folds=True)
    for key in varied:
        cells = (_setting(key, known[name].get(key), loaded) for name, loaded in sweeps.items())
        table.add_row(key.removesuffix(OPTION), *cells)
    if unknown and len(unknown) < len(settings):
        table.notes.append(f"how they search and export is not compared, since it is not known of {', '.join(unknown)}")
    return table


def _varied(known: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Keys that differ, without those that follow from another one that does."""
    keys = dict.fromkeys(key for values in known.values() for key in values)
    differ = {key: None for key in keys if len({values.get(key) for values in known.values()}) > 1}
    return [key for key in differ if not _follows(key, differ, known)]


def _follows(key: str, differ: Container[str], known: Mapping[str, Mapping[str, str]]) -> bool:
    if any(cause in differ for cause in FOLLOWS.get(key, ())):
        return True
    is_everywhere = all(key in values for values in known.values())
    parts = key.split(".")
    # what an option brings with it; that of a section may have been set in all of them
    return any(
        f"{'.'.join(parts[:at])}{OPTION}" in differ and (at > 1 or not is_everywhere)
        for at in range(1, len(parts))
        if parts[at:] != [OPTION[1:]]
    )


def _setting(key: str, value: str | None, loaded: LoadedTrials) -> str:
    """Of a key that was searched, what the winner has: the sweep's own value is but a point to begin at."""
    if any(key in trial.params for trial in loaded.trials):
        winner = (loaded.attrs.get(WINNER) or {}).get("trial")
        found = next((trial.params.get(key) for trial in loaded.trials if trial.number == winner), None)
        return SEARCHED if found is None else f"{SEARCHED}: {value_text(found)}"
    if value is None:
        return NONE
    # of rows and weights
    return value[:SHOWN_DIGITS] if key.startswith("the ") else value


def _test(attrs: Mapping[str, Any], metric: str) -> Mapping[str, float]:
    found: Mapping[str, float] = winner_stage(attrs, "test").get("scores", {}).get(metric, {})
    return found


def _size(attrs: Mapping[str, Any]) -> str:
    exported = winner_stage(attrs, "export")
    sizes = [one["size_mb"] for one in exported.get("reports", ()) if one["name"] == exported.get("chosen")]
    return f"{sizes[0]:.1f}" if sizes else NONE
