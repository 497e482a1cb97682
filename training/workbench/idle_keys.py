"""What the rows and the model at hand leave without effect: lengths that no row has, layers that nobody trains."""

from slimtune.training.config.task import CustomTask, LanguageModellingTask
from slimtune.training.workbench.model_costs import trained_model
from slimtune.training.workbench.prepared_data import PreparedData


def longest_uncut_row(data: PreparedData) -> int | None:
    """Tokens of the longest row of all splits, from which `data.max_length` cuts nothing; None if one was cut.

    Blocks of text have the length that they are asked for, and what a task of the user's own does with it is not known.
    """
    if isinstance(data.config.task, LanguageModellingTask | CustomTask):
        return None
    examples = data.rows.named()
    for name, split in data.encoded.items():
        # a text that is too long may be cut, or be several rows
        if split.encoded.num_cut or len(split.encoded) != len(examples[name]):
            return None
    columns = [column for split in data.encoded.values() for column in split.encoded.columns.values()]
    return max((int(column.lengths().max()) for column in columns), default=None)


def has_new_layers(data: PreparedData) -> bool:
    """Whether the model has layers that its checkpoint lacks, which learn at `fit.head_lr_ratio`."""
    return bool(data.weights.new)


def has_matrices(data: PreparedData) -> bool:
    """Whether anything that is trained decays by `fit.weight_decay`."""
    return any(one.requires_grad and one.ndim >= 2 for one in trained_model(data).parameters())
