from functools import partial
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from slimtune.export.config import Calibration, Variant
from slimtune.export.pipeline import ExportResult
from slimtune.export.runtime.execution import ON_CPU
from slimtune.export.variants.build import build
from slimtune.export.variants.quantization_settings import QuantizationSettings
from slimtune.export.verification.sensitive_layers import (
    SCOPES,
    Layer,
    LayerCost,
    encoder_layer_costs,
    fewest_kept,
    layer_costs,
    layers_of,
)

RECIPE = QuantizationSettings(per_channel=True, block_size=32, symmetric=False, calibration=Calibration.minmax)


def cost(name: str, gap: float) -> LayerCost:
    return LayerCost(Layer(name, frozenset({f"node of {name}"}), 1.0), gap)


@pytest.mark.parametrize("needed", range(1, 7))
def test_the_fewest_layers_that_pass_are_found(needed: int) -> None:
    """And never all of them: that would be the graph in fp32."""
    costs = [cost(str(index), 1.0 / (index + 1)) for index in range(6)]
    tried = []

    def passes(kept: frozenset[str]) -> bool:
        tried.append(len(kept))
        return len(kept) >= needed

    found = fewest_kept(costs, passes)
    if needed == 6:
        assert found is None
    else:
        assert found == [one.layer for one in costs[:needed]]
    assert len(tried) <= 3


def test_no_more_are_kept_than_there_is_room_for() -> None:
    costs = [cost(str(index), 1.0 / (index + 1)) for index in range(6)]
    tried = []

    def passes(kept: frozenset[str]) -> bool:
        tried.append(len(kept))
        return False

    assert fewest_kept(costs, passes, room_mb=2.5) is None
    assert max(tried) == 2
    tried.clear()
    assert fewest_kept(costs, passes, room_mb=-1.0) is None
    assert not tried


@pytest.fixture
def fp32(exported: ExportResult) -> Path:
    assert exported.bundle is not None
    return exported.bundle.folder.parent / "fp32" / "model.onnx"


def test_layers_have_the_names_of_the_models_modules(fp32: Path) -> None:
    layers = {layer.name: layer for layer in layers_of(fp32.parent)}
    assert {"bert.encoder.layer.0.attention", "bert.encoder.layer.0.output", "classifier"} <= layers.keys()
    assert len(layers["bert.encoder.layer.0.attention"].nodes) == 4
    assert sum(layer.fp32_mb for layer in layers.values()) == pytest.approx(fp32.stat().st_size / 1e6, rel=0.1)


QUANTIZED = [variant for variant in Variant if variant is not Variant.fp16]
WIDTH = 32


def two_products(path: Path) -> None:
    """Scores (N, 4) of two matrix products; the second has weights beside which the others have no digits left, for an
    input that is always 0.
    """
    generator = np.random.default_rng(0)
    first_II, second_IC = generator.normal(size=(WIDTH, WIDTH)), generator.normal(size=(WIDTH, 4))
    first_II[:, 0] = 0
    second_IC[0] = 1e4
    weights = {"first": first_II, "second": second_IC}
    nodes = []
    for name, (given, made) in {"first": ("input_ids", "hidden"), "second": ("hidden", "logits")}.items():
        node = helper.make_node("MatMul", [given, name], [made], name=f"node_{name}")
        node.metadata_props.add(key=SCOPES, value=str(["", "model", f"model.net.{name}.dense", "linear"]))
        nodes.append(node)
    graph = helper.make_graph(
        nodes,
        "two",
        [helper.make_tensor_value_info("input_ids", TensorProto.FLOAT, ["batch", WIDTH])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 4])],
        [numpy_helper.from_array(value.astype(np.float32), name) for name, value in weights.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), path)


@pytest.mark.parametrize("variant", QUANTIZED)
def test_a_layer_that_bears_no_rounding_is_the_first_to_be_kept(variant: Variant, tmp_path: Path) -> None:
    source, rows = tmp_path / "source", np.random.default_rng(1).normal(size=(16, WIDTH)).astype(np.float32)
    source.mkdir()
    two_products(source / "model.onnx")
    recipe = RECIPE._replace(feeds=[{"input_ids": rows}])

    def score(folder: Path) -> np.ndarray:
        (logits_NC,) = onnxruntime.InferenceSession(folder / "model.onnx").run(None, {"input_ids": rows})
        return np.asarray(logits_NC)

    make = partial(build, variant)
    costs = layer_costs(source, tmp_path / "scratch", recipe, build=make, score=score)
    assert [one.layer.name for one in costs] == ["net.second", "net.first"]
    assert costs[0].gap > 3 * costs[1].gap
    assert not (tmp_path / "scratch").exists()
    # and kept, it costs nothing
    make(source, tmp_path / "kept", recipe._replace(kept=costs[0].layer.nodes))
    exact, found = score(source), score(tmp_path / "kept")
    assert np.sqrt(np.mean((found - exact) ** 2)) == pytest.approx(costs[1].gap, rel=1e-3)
    # and with no layer built alone
    make(source, tmp_path / "whole", recipe)
    found = encoder_layer_costs(source, tmp_path / "whole", recipe.feeds, execution=ON_CPU)
    assert [one.layer.name for one in found] == ["net.second", "net.first"]
    for one, other in zip(found, costs, strict=True):
        assert one.gap == pytest.approx(other.gap, rel=0.2 if variant is Variant.int8_static else 0.05)


@pytest.mark.parametrize("variant", [Variant.int8_blockwise, Variant.int8_split])
def test_an_encoders_layers_cost_what_they_do_alone(variant: Variant, fp32: Path, tmp_path: Path) -> None:
    """Of layers of several nodes about as much: those do not see the errors of each other."""
    ids = np.random.default_rng(2).integers(5, 30, size=(8, 12))
    mask = np.ones_like(ids)
    mask[:4, 7:] = 0
    feed = {"input_ids": ids, "attention_mask": mask}

    def score(folder: Path) -> np.ndarray:
        session = onnxruntime.InferenceSession(folder / "model.onnx")
        known = {item.name for item in session.get_inputs()}
        return np.asarray(session.run(None, {name: value for name, value in feed.items() if name in known})[0])

    make = partial(build, variant)
    alone = layer_costs(fp32.parent, tmp_path / "scratch", RECIPE, build=make, score=score)
    make(fp32.parent, tmp_path / "whole", RECIPE)
    found = encoder_layer_costs(fp32.parent, tmp_path / "whole", [feed], execution=ON_CPU)
    gaps = {one.layer.name: one.gap for one in found}
    assert gaps == pytest.approx({one.layer.name: one.gap for one in alone}, rel=0.3, abs=1e-5)
    assert max(gaps.values()) > 0
