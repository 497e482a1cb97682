"""All that a sweep will need, tried before its first trial: `slimtune check` runs it alone."""

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Any

from slimtune.export.config import OnnxExport, parse_export
from slimtune.export.promotion.config import parse_promotion
from slimtune.export.verification.limits import check_gate_size
from slimtune.sweeper.campaigns.idle_dimensions import check_dimensions, check_effects
from slimtune.sweeper.campaigns.places import Places
from slimtune.sweeper.campaigns.preparation import Preparation, checks, preparation_of
from slimtune.sweeper.config_values import is_group, plain, with_values
from slimtune.sweeper.reporting.places.runs_place import check_known_place
from slimtune.sweeper.search.request import OtherOptions, SweepRequest
from slimtune.sweeper.space.dimension import Dimension, FloatRange, Scalar, edges
from slimtune.sweeper.space.override_text import override_lines
from slimtune.sweeper.space.search_space import Branch
from slimtune.sweeper.space.start_point import point_in
from slimtune.training.config.fit import FitConfig
from slimtune.training.config.schema import parse_section
from slimtune.training.config.trial import parse_trial
from slimtune.training.errors import ConfigError, UserError, check_all, found_by, raise_all, sentences
from slimtune.training.workbench.preflight import method_checks
from slimtune.training.workbench.prepared_data import PreparedData, ReadRows

# sections that say what is read and what of
LOOKED_AT = ("model", "data", "task")


def preflight(request: SweepRequest, read: ReadRows | None = None) -> Preparation:
    """Try data, model, device, export and places of a sweep.

    Args:
        request: The sweep's.
        read: Keeps the rows for what comes after.

    Raises:
        UserError: Something cannot be used, all of it at once.
    """
    search = request.search.config
    num_checkpoints = search.n_trials + search.finalists * search.rerun_seeds
    places = Places(request.folder, num_checkpoints, request.storage, search.name)
    export = parse_export(request.tried["export"]).section
    # the rows of most are the same; those of others must not take their place
    same, own = read or ReadRows(), ReadRows()
    config, found, noted = parse_trial(request.tried).section, list[PreparedData](), list[str]()
    known_place = partial(check_known_place, request, config.tracking)
    errors = found_by(chain([known_place], checks(config, export, places, same, (found, noted))))
    told = {problem for error in errors for problem in sentences(error)}
    # trials are evaluated at the cadence of the config's own
    fit = parse_section(FitConfig, request.values["fit"], "fit").found or config.fit
    prepared = [] if errors else [preparation_of(config._replace(fit=fit), found[0], noted)]
    notes = _Notes(request.tried, prepared[0].report.notes if prepared else ())
    of_others = (
        partial(_check_other, other, same if _has_same_rows(other, request) else own, notes, told)
        for other in others(request)
    )
    # rows of which some were left out tell nothing of this
    whole = [one for one in found if same.known(config) is not None]
    dimensions = [partial(check_dimensions, request, len(whole[0].encoded["train"]) if whole else None)]
    dimensions += [partial(check_effects, request, one) for one in whole]
    gate_mb = parse_promotion(request.tried["promotion"]).section.max_size_mb
    if isinstance(export, OnnxExport):
        dimensions += [partial(check_gate_size, one.model, export, gate_mb) for one in whole]
    of_sizes = (partial(_check_size, other, one, told) for one in whole for other in sizes(request))
    raise_all([*errors, *found_by(chain(dimensions, of_others, of_sizes))])
    report = prepared[0].report
    return prepared[0]._replace(report=replace(report, notes=[*report.notes, *notes.added]))


class _Notes:
    """What is said of the models of other configs: all of it of another model, else what was not said yet.

    Attributes:
        added: Notes, each with the options that it is of.
    """

    def __init__(self, values: Mapping[str, Any], told: Sequence[str]) -> None:
        self._models, self._told = [values["model"]], set(told)
        self.added: list[str] = []

    def add(self, other: OtherOptions, notes: Sequence[str]) -> None:
        """Take in what was noted of a config."""
        is_new = other.values["model"] not in self._models
        self._models += [other.values["model"]] if is_new else []
        self.added += [f"{other.label}: {note}" for note in notes if is_new or note not in self._told]
        self._told |= set(notes)


def _has_same_rows(other: OtherOptions, request: SweepRequest) -> bool:
    return all(other.values[section] == request.tried[section] for section in ("data", "task"))


def others(request: SweepRequest) -> Iterator[OtherOptions]:
    """Configs of the search with another model, rows, task or method: each is tried once, beside the first trial's."""
    ends = (_ends(request, *one) for one in _dimensions(request) if _is_looked_at(*one[1:]))
    known = [request.tried]
    for other in chain(request.others, *ends):
        differs = any(other.values[section] != request.tried[section] for section in (*LOOKED_AT, "method"))
        # options of a group, and ends of what is searched in one, may come to the same
        if differs and other.values not in known:
            known.append(other.values)
            yield other


def sizes(request: SweepRequest) -> Iterator[OtherOptions]:
    """Configs with each end of what methods and training are told by, which the rows and the model at hand may refuse.

    Those that `others` has are none of them, and nothing that is looked at beforehand depends on a real number.
    """
    for branch, key, dimension in _dimensions(request):
        is_told_by = key.partition(".")[0] in ("method", "fit") and not isinstance(dimension, FloatRange)
        if is_told_by and not _is_looked_at(key, dimension):
            for other in _ends(request, branch, key, dimension):
                if all(other.values[section] == request.tried[section] for section in LOOKED_AT):
                    yield other


def _dimensions(request: SweepRequest) -> Iterator[tuple[Branch | None, str, Dimension]]:
    """Keys that are searched, and no groups; of a branch with it."""
    loader = request.app.context.config_loader
    parts = [(None, request.space.common), *((branch, branch.space) for branch in request.space.branches)]
    for branch, space in parts:
        yield from ((branch, key, one) for key, one in space.items() if not is_group(loader, key))


def _is_looked_at(key: str, dimension: Dimension) -> bool:
    # of a method, what may fit the model or not: names and not sizes
    named = key.startswith("method.") and any(isinstance(value, str) for value in edges(dimension))
    return named or key.partition(".")[0] in LOOKED_AT


def _ends(request: SweepRequest, branch: Branch | None, key: str, dimension: Dimension) -> Iterator[OtherOptions]:
    own = {} if branch else point_in(request.space.common, request.tried, {})
    for value in edges(dimension):
        if key not in own or own[key] != value:
            label = f"{branch.label} " if branch else ""
            yield OtherOptions(f"{label}{key}={value}", _with_value(request, branch, key, value))


def _with_value(request: SweepRequest, branch: Branch | None, key: str, value: Scalar) -> dict[str, Any]:
    loader = request.app.context.config_loader
    values = {name: first for name, first in request.firsts.items() if name in request.space.common} | {key: value}
    if branch is not None:
        # those of its options that no trial has, too
        values = {name: edges(one)[0] for name, one in branch.space.items()} | values
        lines = [*branch.fixed, *override_lines({**request.choices, **branch.choices, **values}, loader)]
        return plain(loader.load_sweep_config(request.app.config, lines))
    changed = with_values(request.app.config, values, loader)
    if changed is None:
        lines = [*request.fixed, *override_lines({**request.choices, **values}, loader)]
        changed = loader.load_sweep_config(request.app.config, lines)
    return plain(changed)


def _check_size(other: OtherOptions, data: PreparedData, told: Container[str]) -> None:
    """With the rows and the model that are there."""
    config = parse_trial(other.values)
    if config.problems:
        # told when the request was read
        return
    try:
        check_all(method_checks(data._replace(config=config.section)))
    except UserError as error:
        problems = [problem for problem in sentences(error) if problem not in told]
        if problems:
            raise ConfigError([f"{other.label}: {problem}" for problem in problems]) from error


def _check_other(other: OtherOptions, read: ReadRows, notes: _Notes, told: Container[str]) -> None:
    """As of the config itself, but for what was told of that."""
    config, export = parse_trial(other.values), parse_export(other.values["export"])
    if config.problems or export.problems:
        # told when the request was read
        return
    try:
        noted: list[str] = []
        check_all(checks(config.section, export.section, None, read, ([], noted)))
        notes.add(other, noted)
    except UserError as error:
        problems = [problem for problem in sentences(error) if problem not in told]
        if problems:
            raise ConfigError([f"{other.label}: {problem}" for problem in problems]) from error
