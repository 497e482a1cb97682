"""Int8 variants of a graph, in two kinds."""

import contextlib
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import onnx
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

BITS, BLOCK_SIZE = 8, 32
# int8 arithmetic inside a block; 0 would compute in fp32 at a sixth of the speed
ACCURACY_LEVEL = 4


def int8_dynamic(source: Path, target: Path, *, per_channel: bool) -> None:
    """Weights and embeddings in int8, activations quantized by their range at run time: small and the fastest."""
    with _quiet():
        quantize_dynamic(source, target, weight_type=QuantType.QInt8, per_channel=per_channel)


def int8_blockwise(source: Path, target: Path, *, per_channel: bool) -> None:
    """Weights in int8 with a scale and zero point for each block of 32, embeddings in int8: as small, nearly exact.

    Activations keep their precision, which is what a fine-tuned encoder loses most by.
    """
    with _quiet():
        quantize_dynamic(
            source, target, weight_type=QuantType.QInt8, per_channel=per_channel, op_types_to_quantize=["Gather"]
        )
        quantizer = MatMulNBitsQuantizer(
            onnx.load(target), bits=BITS, block_size=BLOCK_SIZE, is_symmetric=False, accuracy_level=ACCURACY_LEVEL
        )
        quantizer.process()
        quantizer.model.save_model_to_file(str(target), use_external_data_format=False)


QUANTIZERS: dict[str, Callable[..., None]] = {"int8_dynamic": int8_dynamic, "int8_blockwise": int8_blockwise}


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The quantizers log a line for each node, to the root logger."""
    previous = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(previous)
