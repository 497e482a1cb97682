"""What a served model is given and what it answers, as MLflow writes it down, with an example."""

from collections.abc import Mapping, Sequence
from typing import Any

from slimtune.export.bundle.adapter_folder import ADAPTER, AdapterFolder
from slimtune.export.bundle.bundle import Bundle
from slimtune.export.bundle.interface import Interface
from slimtune.export.graph_names import MODEL, Kind
from slimtune.export.registry.version_facts import Registrable
from slimtune.export.runtime.prompter import text_columns
from slimtune.training.data.examples import MESSAGES

EXAMPLE_TEXT = "An example of a text."


def signature_of(model: Registrable) -> Any:
    """What a served model is given, and what it answers; of a folder of adapters also which one it is to be."""
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

    chosen: Mapping[str, str] = {}
    if isinstance(model, AdapterFolder):
        interface, chosen = next(iter(model.manifest.adapters.values())).interface, {ADAPTER: model.names[0]}
    else:
        interface = model.manifest.interface
    row = {**dict.fromkeys(text_columns(interface), EXAMPLE_TEXT), **chosen}
    # names as objects: of others MLflow 3.17 asks pandas 3 what it will not answer any more
    return pandas.DataFrame([[*row.values()]], columns=pandas.Index([*row], dtype=object), dtype=object)


def _columns(interface: Interface, bundle: Bundle | None) -> tuple[list[Any], list[Any]]:
    from mlflow.types import DataType
    from mlflow.types.schema import AnyType, Array, ColSpec, Object, Property

    text, number, whole = DataType.string, DataType.double, DataType.long
    # one text alone gets its vector
    optional = {"text_pair"} if interface.kind is Kind.embedding else set()
    names = text_columns(interface)
    given: list[Any] = [ColSpec(text, name, required=name not in optional) for name in names]
    answered: list[Any]
    match interface.kind:
        case Kind.labels:
            kinds = {"label": text, "probability": number}
            answered = [ColSpec(Array(kind) if interface.multi_label else kind, name) for name, kind in kinds.items()]
        case Kind.tags:
            parts = {"start": whole, "end": whole, "label": text, "text": text}
            span = Object([Property(name, kind) for name, kind in parts.items()])
            answered = [ColSpec(Array(span), "prediction")]
        case Kind.embedding:
            # of two texts, and of one
            answered = [ColSpec(number, "prediction", required=False)]
            answered.append(ColSpec(Array(number), "embedding", required=False))
        case Kind.numbers:
            shapes = [] if bundle is None else [*bundle.manifest.graphs[MODEL]["outputs"].values()]
            is_one = all(len(shape) == 1 for shape in shapes)
            answered = [ColSpec(number if is_one else Array(number), "prediction")]
        case _:
            answered = [ColSpec(text, "prediction")]
            prompt = interface.prompt
            # special tokens are noted for chats alone
            if prompt is not None and (prompt.chat_template is not None or prompt.special_tokens):
                # the model checks chats, as everywhere: MLflow would take no text in parts, and no key that is left out
                given = [*(ColSpec(text, name, required=False) for name in names if prompt.template is None)]
                anything: Any = AnyType
                given.append(ColSpec(anything(), MESSAGES, required=False))
    return given, answered
