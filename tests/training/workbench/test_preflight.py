"""What a trial would be refused for is refused before it."""

from collections.abc import Callable
from typing import Any

import pytest

from slimtune.export.config import export_problems, onnx_config
from slimtune.training.config.trial import TrialConfig, parse_trial
from slimtune.training.errors import ConfigError, ModelError, check_all
from slimtune.training.hardware.resources import resolve
from slimtune.training.workbench import preflight
from slimtune.training.workbench.preflight import check_fits, model_checks
from slimtune.training.workbench.prepared_data import PreparedData, prepare_data

ConfigOf = Callable[..., dict[str, Any]]


def prepared(config_of: ConfigOf, *more: str) -> PreparedData:
    config: TrialConfig = parse_trial(config_of(*more)).section
    return prepare_data(config)


def test_a_family_that_keeps_its_activations(config_of: ConfigOf, monkeypatch: pytest.MonkeyPatch) -> None:
    data = prepared(config_of, "fit.gradient_checkpointing=true")
    check_all(model_checks(data))
    monkeypatch.setattr(type(data.model), "supports_gradient_checkpointing", False)
    with pytest.raises(ConfigError, match=r"fit.gradient_checkpointing is true, .* not support for a bert"):
        check_all(model_checks(data))


def test_a_batch_that_is_taken_apart(config_of: ConfigOf, monkeypatch: pytest.MonkeyPatch) -> None:
    data = prepared(config_of, "fit.micro_batch_size=4", "fit.batch_size=16")
    check_all(model_checks(data))
    monkeypatch.setattr(type(data.task), "couples_rows", True)
    with pytest.raises(ConfigError, match=r"fit.micro_batch_size is 4, and the loss compares all rows of a batch"):
        check_all(model_checks(data))


def test_a_rate_that_is_too_low_for_drawn_weights_is_among_the_notes(
    config_of: ConfigOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = prepared(config_of)
    monkeypatch.setattr(preflight, "rate_note", lambda config, num_weights: f"{config.fit.learning_rate} {num_weights}")
    assert f"warning: {data.config.fit.learning_rate} {data.model.num_parameters()}" in preflight.model_notes(data)


@pytest.mark.parametrize("method", ["lora", "full"])
def test_a_model_that_memory_is_too_small_for(method: str, config_of: ConfigOf) -> None:
    data = prepared(config_of, f"method={method}", "fit.max_memory_mb=1")
    with pytest.raises(ModelError, match=r"weights take .* MB are left of fit.max_memory_mb=1; use method=qlora"):
        check_fits(data, resolve(data.config.fit))


def test_what_full_fine_tuning_takes_beside_the_weights(config_of: ConfigOf, monkeypatch: pytest.MonkeyPatch) -> None:
    data = prepared(config_of, "method=full")
    resources = resolve(data.config.fit)
    check_fits(data, resources)
    monkeypatch.setattr(preflight, "check_weights", lambda *_, **__: None)
    monkeypatch.setattr("slimtune.training.hardware.memory.free_bytes", lambda *_, **__: 1e3)
    with pytest.raises(ModelError, match="training takes at least"):
        check_fits(data, resources)


def test_weights_that_are_not_merged_are_no_folder_for_genai(config_of: ConfigOf) -> None:
    given = ("task=generation", "data.target_column=target", "method=adapters")
    config: TrialConfig = parse_trial(config_of(*given)).section
    (problem,) = export_problems(config, onnx_config(genai=["int4"]))
    assert "export.genai takes plain weights" in problem
