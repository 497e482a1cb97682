"""What can be looked at of model and rows, where other rows have faults."""

from collections.abc import Callable, Iterator
from functools import partial

from slimtune.training.config.task import CustomTask
from slimtune.training.config.trial import TrialConfig
from slimtune.training.data.readers.row_faults import RowFaults
from slimtune.training.data.splits import RowSplits
from slimtune.training.errors import DataError, check_all
from slimtune.training.methods import method_of
from slimtune.training.models.loading import check_model, check_named, load_tokenizer
from slimtune.training.models.tokenizer_faults import lacking_token
from slimtune.training.tasks import Task, task_of
from slimtune.training.tasks.rows import read_splits
from slimtune.training.workbench.preflight import checks_without_rows
from slimtune.training.workbench.prepared_data import PreparedData, ReadRows, prepare_data

# of rows that have nothing to do with those of the data
STAND_IN_LABELS = ("a", "b")
# rows that are encoded to see whether they can be
TRIED_ROWS = 300
# rows with faults whose lack explains little of what is wrong with the others
FEW_FAULTS = 10


def checks_beside_faults(
    config: TrialConfig, read: ReadRows, found: list[PreparedData]
) -> Iterator[Callable[[], object]]:
    """The model, and the rows without those that have faults; `found` takes what can be prepared of them.

    Of too few rows or labels nothing is said where many rows are left out, which may be what is lacking.
    """
    faults = RowFaults()
    rows = read.known(config)
    if rows is None:
        rows, problem = _sound_rows(config, faults)
        if problem is not None:
            yield partial(_raise, problem)
    if rows is None:
        if config.model.scratch is None:
            yield partial(check_base, config)
        return
    if config.model.scratch is None:
        yield partial(check_base, config, rows)
    yield partial(_prepare, config, rows, found, faults)


def check_base(config: TrialConfig, rows: RowSplits | None = None, *, knows_method: bool = True) -> None:
    """Whether the model can be used, for whichever labels.

    Args:
        config: With a model of files.
        rows: That tell the labels, if there are some.
        knows_method: Whether the config has a method.

    Raises:
        UserError: It cannot.
    """
    task = _task_for(config, rows)
    if task is None:
        check_named(config.model)
        return
    model, weights = check_model(config.model, task)
    tokenizer, none = load_tokenizer(config.model), RowSplits([], [], [], 0, 0, 0, [], near_dropped=False)
    data = PreparedData(config, task, model, weights, tokenizer, none, {})
    fits = partial(method_of(config.method).check, model, task.peft_task_type) if knows_method else None
    check_all([*([fits] if fits else []), *checks_without_rows(data)])


def _task_for(config: TrialConfig, rows: RowSplits | None) -> Task | None:
    """The task, with labels that stand in for those that are not known; None for one that nobody knows."""
    try:
        if rows is not None:
            return task_of(config, rows.train, split_off=rows.split_off)
    except DataError:
        # it is of labels, which rows with faults may have
        pass
    given = tuple(getattr(config.task, "labels", None) or STAND_IN_LABELS)
    return None if isinstance(config.task, CustomTask) else task_of(config, labels=given)


def _sound_rows(config: TrialConfig, faults: RowFaults) -> tuple[RowSplits | None, DataError | None]:
    """The rows without those that have faults, or why they cannot be used, if that is to be told."""
    try:
        return read_splits(config, faults), None
    except DataError as error:
        return None, _of_the_others(error, faults)


def _of_the_others(error: DataError, faults: RowFaults) -> DataError | None:
    is_few = faults.total is not None and 0 < faults.total <= FEW_FAULTS
    return DataError(f"of the other rows: {error}") if is_few else None


def _raise(error: DataError) -> None:
    raise error


def _check_encoding(config: TrialConfig, rows: RowSplits) -> None:
    task = _task_for(config, rows)
    tokenizer = load_tokenizer(config.model)
    # what the tokenizer lacks is told of the model
    if task is not None and lacking_token(tokenizer, task.peft_task_type) is None:
        task.encode(rows.train[:TRIED_ROWS], tokenizer)


def _prepare(config: TrialConfig, rows: RowSplits, found: list[PreparedData], faults: RowFaults) -> None:
    if config.model.scratch is None:
        _check_encoding(config, rows)
    try:
        found.append(prepare_data(config, ReadRows.holding(rows, config)))
    except DataError as error:
        if (problem := _of_the_others(error, faults)) is not None:
            raise problem from error
