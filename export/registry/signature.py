"""What a served model is given and what it answers, as MLflow writes it down, with an example."""

from collections.abc import Mapping, Sequence
from typing import Any

from slimtune.export.bundle.adapter_folder import ADAPTER, AdapterFolder
from slimtune.export.bundle.bundle import UNKNOWN_COLUMNS, Bundle
from slimtune.export.bundle.interface import Interface
from slimtune.export.graph_names import MODEL, Kind
from slimtune.export.registry.version_facts import Registrable
from slimtune.export.runtime.answer_names import EMBEDDING, PREDICTION, PROBABILITY
from slimtune.export.runtime.given_rows import WORDS
from slimtune.export.runtime.prompter import takes_chats, text_columns
from slimtune.training.data.examples import MESSAGES

# what a classifier's `prediction` was called before, for clients that read it
LABEL = "label"
EXAMPLE_TEXT = "An example of a text."


def signature_of(model: Registrable) -> Any:
    """What a served model is given, and what it answers; of a folder of adapters also which one it is to be.

    Columns have the names of training. Where a text may stand in another one too (`text`, as for `slimtune predict`),
    MLflow needs neither, and the model itself refuses a row that has none.
    """
    from mlflow.models import ModelSignature
    from mlflow.types import DataType
    from mlflow.types.schema import ColSpec, ParamSchema, ParamSpec, Schema

    if not isinstance(model, AdapterFolder):
        given, answered = _columns(model.manifest.interface, model)
        return ModelSignature(inputs=Schema(given), outputs=Schema(answered))
    each = [_columns(entry.interface, None) for entry in model.manifest.adapters.values()]
    given = [*_merged([one for one, _ in each]), ColSpec(DataType.string, ADAPTER, required=False)]
    params = ParamSchema([ParamSpec(ADAPTER, DataType.string, model.names[0])])
    return ModelSignature(inputs=Schema(given), outputs=Schema(_merged([one for _, one in each])), params=params)


def _merged(each: Sequence[Sequence[Any]]) -> list[Any]:
    """Columns of several adapters: needed if all of them need it, of any type if theirs differ."""
    from mlflow.types.schema import AnyType, ColSpec

    anything: Any = AnyType
    every = {column.name: column for columns in each for column in columns}
    found = []
    for name in every:
        same = [column for columns in each for column in columns if column.name == name]
        kind = same[0].type if all(column.type == same[0].type for column in same) else anything()
        is_needed = len(same) == len(each) and all(column.required for column in same)
        # of any type it may be left out
        found.append(ColSpec(kind, name, required=is_needed and not isinstance(kind, AnyType)))
    return found


def example_of(model: Registrable) -> Any:
    """Rows that the served model takes, as a data frame."""
    import pandas

    row = _row_of_texts(model, EXAMPLE_TEXT)
    # names as objects: of others MLflow 3.17 asks pandas 3 what it will not answer any more
    return pandas.DataFrame([[*row.values()]], columns=pandas.Index([*row], dtype=object), dtype=object)


def row_to_send(model: Registrable) -> dict[str, Any]:
    """A row as a person may send it to a served model, with dots where the texts go; a chat of one trained on chats."""
    if not isinstance(model, AdapterFolder) and takes_chats(model.manifest.interface):
        return {MESSAGES: [{"role": "user", "content": "..."}]}
    return _row_of_texts(model, "...")


def _row_of_texts(model: Registrable, text: str) -> dict[str, str]:
    chosen: Mapping[str, str] = {}
    if isinstance(model, AdapterFolder):
        interface, chosen = next(iter(model.manifest.adapters.values())).interface, {ADAPTER: model.names[0]}
        columns = text_columns(interface, UNKNOWN_COLUMNS)
    else:
        columns = text_columns(model.manifest.interface, model.columns)
    return {**{names[0]: text for names in columns}, **chosen}


def _columns(interface: Interface, bundle: Bundle | None) -> tuple[list[Any], list[Any]]:
    from mlflow.types import DataType
    from mlflow.types.schema import AnyType, Array, ColSpec, Object, Property

    text, number, whole = DataType.string, DataType.double, DataType.long
    columns = text_columns(interface, UNKNOWN_COLUMNS if bundle is None else bundle.columns)
    given = _given(columns, interface.kind)
    answered: list[Any]
    match interface.kind:
        case Kind.labels:
            kinds = {PREDICTION: text, PROBABILITY: number, LABEL: text}
            answered = [ColSpec(Array(kind) if interface.multi_label else kind, name) for name, kind in kinds.items()]
        case Kind.tags:
            parts = {"start": whole, "end": whole, "label": text, "text": text}
            span = Object([Property(name, kind) for name, kind in parts.items()])
            answered = [ColSpec(Array(span), PREDICTION)]
        case Kind.embedding:
            # of two texts, and of one
            answered = [ColSpec(number, PREDICTION, required=False)]
            answered.append(ColSpec(Array(number), EMBEDDING, required=False))
        case Kind.numbers:
            shapes = [] if bundle is None else [*bundle.manifest.graphs[MODEL]["outputs"].values()]
            is_one = all(len(shape) == 1 for shape in shapes)
            answered = [ColSpec(number if is_one else Array(number), PREDICTION)]
        case _:
            answered = [ColSpec(text, PREDICTION)]
            if takes_chats(interface):
                # the model checks chats, as everywhere: MLflow would take no text in parts, and no key that is left out
                has_template = interface.prompt is not None and interface.prompt.template is not None
                texts = [] if has_template else [name for names in columns for name in names]
                given = [*(ColSpec(text, name, required=False) for name in texts)]
                anything: Any = AnyType
                given.append(ColSpec(anything(), MESSAGES, required=False))
    return given, answered


def _given(columns: Sequence[Sequence[str]], kind: Kind) -> list[Any]:
    """Columns of texts by all the names that they may have; an object may stand where a name leads into one."""
    from mlflow.types import DataType
    from mlflow.types.schema import AnyType, ColSpec

    anything: Any = AnyType
    found: dict[str, Any] = {}
    for place, names in enumerate(columns):
        roots = [name.partition(".")[0] for name in names if "." in name]
        others = [*roots, *([WORDS] if kind is Kind.tags else [])]
        # one text alone gets its vector
        is_needed = len(names) == 1 and not others and not (kind is Kind.embedding and place == 1)
        texts = {name: ColSpec(DataType.string, name, required=is_needed) for name in names}
        found |= texts | {name: ColSpec(anything(), name, required=False) for name in others}
    return [*found.values()]
