"""The base of all adapters: classifiers beside adapters that write have their head where a causal base has its own."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import nn

from slimtune.export.adapters.base import SharedBase, load_shared
from slimtune.export.adapters.source import AdapterSource
from slimtune.export.graph_names import Kind
from slimtune.training.config.model import ModelConfig
from slimtune.training.errors import ModelError

ONCE_EACH = "run slimtune adapters once for those that write, and once for those with labels"


class Bases(NamedTuple):
    """One base with the heads that its adapters need.

    Attributes:
        graph: What is written.
        classifier: For PyTorch's answers, the same with a classifier's head; `graph` itself where nothing writes.
    """

    graph: SharedBase
    classifier: SharedBase

    def of(self, kind: Kind) -> SharedBase:
        """What an adapter of this kind was trained on."""
        return self.classifier if kind is Kind.labels else self.graph


def load_bases(config: ModelConfig, sources: Sequence[AdapterSource]) -> Bases:
    """Load the base with the heads that the adapters need.

    Raises:
        ModelError: It cannot be read, writes no text where an adapter is to, or has no place for other heads.
    """
    kinds = {source.kind for source in sources}
    if len(kinds) == 1:
        base = load_shared(config, kinds.pop())
        return Bases(base, base)
    writing = load_shared(config, Kind.causal)
    head = frozenset({output_embedding(writing)})
    return Bases(writing._replace(head=head), load_shared(config, Kind.labels))


def on_graph(source: AdapterSource, bases: Bases) -> AdapterSource:
    """An adapter whose head, if it has one, is called as the graph calls the place for it.

    Raises:
        ModelError: The head is more than one matrix.
    """
    if source.kind is bases.graph.kind:
        return source
    heads, (place,) = sorted(bases.classifier.head), bases.graph.head
    if len(heads) != 1:
        raise ModelError(
            f"adapter {source.name} has a head of {', '.join(heads)}, and a base that writes has one matrix in its "
            f"place; {ONCE_EACH}"
        )
    wholes = {place if name == heads[0] else name: tensor for name, tensor in source.wholes.items()}
    return source._replace(wholes=wholes)


@torch.inference_mode()
def output_embedding(base: SharedBase) -> str:
    """Name of the matrix that turns states into scores of the next token, and that nothing follows."""
    layer = base.model.get_output_embeddings()
    name = next((name for name, part in base.model.named_modules() if part is layer), None)
    if name is not None and isinstance(layer, nn.Linear) and layer.bias is None:
        output = base.model(input_ids=torch.arange(4)[None], output_hidden_states=True)
        # some models scale or bound their scores, which their classifiers do not
        if torch.allclose(layer(output.hidden_states[-1]), output.logits, rtol=1e-4, atol=1e-4):
            return f"{name}.weight"
    raise ModelError(
        f"a model of type {base.model.config.model_type} has no plain matrix at its end, which the head of a "
        f"classifier could replace; {ONCE_EACH}"
    )
