"""Variants of an fp32 graph with smaller weights, by the names that `export.variants` has for them."""

import contextlib
import io
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import onnx
from onnxruntime.quantization import QuantFormat, QuantType, quantize_dynamic

from slimtune.export.config import Calibration, Int4Algorithm, Variant
from slimtune.export.graphs.tracing import has_data, save_graph
from slimtune.export.runtime.static_shape import Feed
from slimtune.export.variants.block_embeddings import block_embeddings
from slimtune.export.variants.int4_embeddings import int4_embeddings
from slimtune.export.variants.int8_embeddings import quantize_embeddings
from slimtune.export.variants.quantization_settings import QuantizationSettings
from slimtune.export.variants.split_products import split_products
from slimtune.export.variants.tied_embeddings import untie

# int8 arithmetic inside a block; 0 would compute in fp32 at a sixth of the speed
ACCURACY_LEVEL = 4
INT8, INT4 = 8, 4
MATRIX_PRODUCTS = ("MatMul", "Gemm")


def int8_dynamic(source: Path, target: Path, settings: QuantizationSettings) -> None:
    """Weights and embeddings in int8, activations quantized by their range at run time: small and the fastest."""
    with _quiet():
        quantize_dynamic(
            source,
            target,
            weight_type=QuantType.QInt8,
            per_channel=settings.per_channel,
            nodes_to_exclude=sorted(settings.kept),
            use_external_data_format=has_data(source),
        )


def int8_blockwise(source: Path, target: Path, settings: QuantizationSettings) -> None:
    """Weights in int8 with a scale and zero point for each block, embeddings with a scale a dimension.

    As small as the other and nearly exact: activations keep their precision, which is what a fine-tuned encoder loses
    most by.
    """
    _blockwise(source, target, settings, bits=INT8)


def int4_blockwise(source: Path, target: Path, settings: QuantizationSettings) -> None:
    """The same in 4 bits, by the algorithm of the settings; embeddings in 8, or in 4 as well."""
    _blockwise(source, target, settings, bits=INT4)


def _blockwise(source: Path, target: Path, settings: QuantizationSettings, *, bits: int) -> None:
    with _root_logger_kept():
        from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer
    graph = onnx.load(source)
    untie(graph)
    with _quiet():
        quantizer = MatMulNBitsQuantizer(
            graph,
            bits=bits,
            block_size=settings.block_size,
            is_symmetric=settings.symmetric,
            accuracy_level=ACCURACY_LEVEL,
            nodes_to_exclude=sorted(settings.kept),
            algo_config=_algorithm(settings) if bits == INT4 else None,
        )
        quantizer.process()
    small = quantizer.model.model
    if settings.embedding_bits == bits == INT4:
        int4_embeddings(small, block_size=settings.block_size, symmetric=settings.symmetric, kept=settings.kept)
    quantize_embeddings(small, per_channel=settings.per_channel, kept=settings.kept)
    save_graph(small, target)


def int8_split(source: Path, target: Path, settings: QuantizationSettings) -> None:
    """Weights and activations each as a sum of terms in int8, embeddings with a scale for each block of a token: the
    most faithful one. Weights are rounded with feedback where the settings have their places.
    """
    graph = onnx.load(source)
    untie(graph)
    split_products(graph, kept=settings.kept, places=settings.places)
    block_embeddings(graph, block_size=settings.block_size, kept=settings.kept)
    # those whose width the block does not divide
    quantize_embeddings(graph, per_channel=settings.per_channel, kept=settings.kept)
    save_graph(graph, target)


def _algorithm(settings: QuantizationSettings) -> Any:
    """onnxruntime's settings of an algorithm; None rounds to the nearest."""
    from onnxruntime.quantization.matmul_nbits_quantizer import HQQWeightOnlyQuantConfig, KQuantWeightOnlyQuantConfig

    match settings.int4_algorithm:
        case Int4Algorithm.rtn:
            return None
        case Int4Algorithm.hqq:
            return HQQWeightOnlyQuantConfig(block_size=settings.block_size, bits=INT4)
        case Int4Algorithm.k_quant:
            return KQuantWeightOnlyQuantConfig()


def int8_static(source: Path, target: Path, settings: QuantizationSettings) -> None:
    """Weights and the activations of matrix products in int8, with ranges taken from training rows (QDQ): the form
    that NPUs take. Embeddings as in the other variants.
    """
    from onnxruntime.quantization import CalibrationMethod, quantize_static

    methods = {
        Calibration.minmax: CalibrationMethod.MinMax,
        Calibration.entropy: CalibrationMethod.Entropy,
        Calibration.percentile: CalibrationMethod.Percentile,
    }
    graph = onnx.load(source)
    untie(graph)
    quantize_embeddings(graph, per_channel=settings.per_channel, kept=settings.kept)
    with _quiet():
        quantize_static(
            graph,
            target,
            calibration_data_reader=_Feeds(settings.feeds),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=list(MATRIX_PRODUCTS),
            per_channel=settings.per_channel,
            nodes_to_exclude=sorted(settings.kept),
            calibrate_method=methods[settings.calibration],
            use_external_data_format=has_data(source),
        )


def fp16(source: Path, target: Path, settings: QuantizationSettings) -> None:
    """Half of the size; inputs and outputs stay fp32. On most CPUs not faster. All layers or none: with some of them
    kept, onnxruntime 1.31's converter gives two nodes one name.
    """
    from onnxruntime.transformers.float16 import convert_float_to_float16
    from onnxruntime.transformers.onnx_model import OnnxModel

    assert not settings.kept
    with _quiet():
        half = OnnxModel(convert_float_to_float16(onnx.load(source), keep_io_types=True, disable_shape_infer=True))
        # the converter puts the casts of inputs behind nodes that use them
        half.topological_sort()
    save_graph(half.model, target)


BUILDERS: Mapping[Variant, Callable[[Path, Path, QuantizationSettings], None]] = {
    Variant.fp16: fp16,
    Variant.int8_dynamic: int8_dynamic,
    Variant.int8_blockwise: int8_blockwise,
    Variant.int8_split: int8_split,
    Variant.int8_static: int8_static,
    Variant.int4_blockwise: int4_blockwise,
}


class _Feeds:
    """What onnxruntime's calibration reads."""

    def __init__(self, feeds: Sequence[Feed]) -> None:
        self._feeds = iter(feeds)

    def get_next(self) -> Any:
        """The next batch, or None."""
        return next(self._feeds, None)


@contextlib.contextmanager
def _root_logger_kept() -> Iterator[None]:
    """That module of onnxruntime sets up logging for the whole process when it is imported."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:], root.level = handlers, level


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The quantizers log a line for each node, to the root logger, and calibration prints."""
    previous = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        logging.disable(previous)
