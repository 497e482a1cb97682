"""A size that nothing can meet is told before the first trial; a limit that was broken is told with what was found."""

from typing import Any

import pytest
import torch

from slimtune.export.config import Variant, onnx_config
from slimtune.export.verification.limits import BITS, check_gate_size, check_size, none_passed
from slimtune.training.errors import ConfigError


@pytest.mark.parametrize(("variants", "least_mb"), [([], 4.0), (["fp16"], 2.0), (["fp16", "int4_blockwise"], 0.5)])
def test_a_size_below_the_weights_is_refused_by_the_smallest_variant(variants: list[str], least_mb: float) -> None:
    model = torch.nn.Linear(1000, 1000, bias=False, device="meta")
    check_size(model, onnx_config(variants=variants, max_size_mb=least_mb))
    check_size(model, onnx_config(variants=variants))
    with pytest.raises(
        ConfigError, match=rf"max_size_mb is .*, but {(variants or ['fp32'])[-1]}, .* at least {least_mb:g}"
    ):
        check_size(model, onnx_config(variants=variants, max_size_mb=least_mb * 0.99))
    check_gate_size(model, onnx_config(variants=variants), None)
    check_gate_size(model, onnx_config(variants=variants), least_mb)
    with pytest.raises(ConfigError, match=rf"promotion.max_size_mb is .* at least {least_mb:g}"):
        check_gate_size(model, onnx_config(variants=variants), least_mb * 0.99)


def test_what_a_graph_may_leave_out_is_not_counted() -> None:
    model = torch.nn.ModuleDict({"pooler": torch.nn.Linear(100, 100)})
    check_size(model, onnx_config(max_size_mb=1e-6))


def test_every_variant_has_its_bits() -> None:
    assert {one.value for one in Variant} < set(BITS)


def test_each_broken_limit_is_named_with_the_best_that_was_found() -> None:
    def report(name: str, drop: float, size: float, ms: float) -> dict[str, Any]:
        return {"name": name, "metric_drop": drop, "agreement": 1.0, "size_mb": size, "timing": {"latency_ms": ms}}

    reports = [report("pytorch", 0, 0, 0), report("fp32", 0.0, 4.0, 9.0), report("fp16", 0.2, 2.0, 8.0)]
    limits = onnx_config(max_size_mb=3, max_latency_ms=7, max_metric_drop=0.01).limits
    said = none_passed(reports, limits)
    assert "export.max_metric_drop is 0.01, which fp16 missed (the best metric_drop is 0, of fp32)" in said
    assert "export.max_size_mb is 3, which fp32 missed (the best size_mb is 2, of fp16)" in said
    assert "export.max_latency_ms is 7, which fp32, fp16 missed (the best latency_ms is 8, of fp16)" in said
    assert "min_agreement" not in said
