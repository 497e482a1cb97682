"""How a variant is made of a graph."""

from collections.abc import Sequence
from types import MappingProxyType
from typing import NamedTuple

from slimtune.export.config import Calibration, Int4Algorithm
from slimtune.export.runtime.static_shape import Feed
from slimtune.export.variants.split_products import Places


class QuantizationSettings(NamedTuple):
    """How a variant's weights are quantized.

    Attributes:
        per_channel: One scale for each output channel, and each dimension of an embedding, instead of one for a matrix.
        block_size: Weights that share a scale, where weights are quantized in blocks.
        symmetric: Whether blocks do without a zero point.
        calibration: How ranges are taken from activations.
        int4_algorithm: How 4 bits are chosen.
        embedding_bits: Of embedding tables, where weights have 4: 8 or 4.
        feeds: Batches to take them from.
        kept: Names of nodes that keep fp32.
        places: Of matrices that are rounded already for `int8_split`; it rounds the others to the nearest.
    """

    per_channel: bool
    block_size: int
    symmetric: bool
    calibration: Calibration
    int4_algorithm: Int4Algorithm = Int4Algorithm.rtn
    embedding_bits: int = 8
    feeds: Sequence[Feed] = ()
    kept: frozenset[str] = frozenset()
    places: Places = MappingProxyType({})
