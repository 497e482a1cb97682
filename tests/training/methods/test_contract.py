"""What every method must do, on a model of every family."""

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from slimtune.training.errors import ConfigError, ModelError
from slimtune.training.methods import Method, method_of
from tests.conftest import method_config
from tests.training.methods.families import (
    CLASSES,
    FAMILIES,
    SHAPES,
    Shape,
    logits_of,
    make_batch,
    make_model,
    setting_of,
    train,
)

METHODS: dict[str, tuple[str, dict[str, Any]]] = {
    "full": ("full", {}),
    "full, upper layer": ("full", {"trained_layers": 1}),
    "LoRA": ("lora", {"r": 4}),
    "LoRA by patterns, rsLoRA": (
        "lora",
        {"r": 4, "use_rslora": True, "rank_pattern": {"1": 2}, "alpha_pattern": {"1": 3.0}},
    ),
    "DoRA": ("lora", {"r": 4, "use_dora": True}),
    "PiSSA": ("lora", {"r": 4, "init_lora_weights": "pissa"}),
    "PiSSA, rsLoRA": ("lora", {"r": 4, "init_lora_weights": "pissa_niter_4", "use_rslora": True}),
    "OLoRA": ("lora", {"r": 4, "init_lora_weights": "olora"}),
    "Houlsby": ("adapters", {"placement": "houlsby", "reduction_factor": 4}),
    "Pfeiffer": ("adapters", {"placement": "pfeiffer", "reduction_factor": 4, "activation": "gelu"}),
    "IA3": ("ia3", {}),
    "prompt": ("prompt_tuning", {"num_virtual_tokens": 3}),
    "prefix": ("prefix_tuning", {"num_virtual_tokens": 3}),
    "projected prefix": ("prefix_tuning", {"num_virtual_tokens": 3, "projection_size": 8}),
}
# what cannot be, and is told
UNFIT = {
    "OLoRA": {"gpt2"},
    "prompt": {
        f"{family} SEQ_CLS" for family in ("llama", "phi3", "qwen2", "qwen3", "gemma", "mistral", "gpt2", "t5", "bart")
    },
    "prefix": {"distilbert", "deberta-v2", "modernbert", "t5 SEQ_CLS", "bart SEQ_CLS"},
}
UNFIT["projected prefix"] = UNFIT["prefix"]
UNMERGEABLE = ("prompt", "prefix", "projected prefix")


@pytest.fixture(scope="module")
def configs() -> dict[str, Any]:
    return {name: method_config(group, **values) for name, (group, values) in METHODS.items()}


def is_unfit(name: str, shape: Shape) -> bool:
    return bool({shape.family, str(shape)} & UNFIT.get(name, set()))


def plans() -> list[tuple[str, Shape]]:
    """Every method with every family, under its two heads in turn; the most used ones, and what is unfit, with both."""
    return [
        (name, shape)
        for number, name in enumerate(METHODS)
        for place, shape in enumerate(SHAPES)
        if (number + place // 2 + place) % 2 == 0 or name in ("full", "LoRA") or is_unfit(name, shape)
    ]


def test_every_method_meets_every_family_and_every_head() -> None:
    """What the tests below leave out is a second head of a pair."""
    assert {(name, shape.family) for name, shape in plans()} == {(name, one) for name in METHODS for one in FAMILIES}
    assert {shape for _, shape in plans()} == set(SHAPES)
    for name in METHODS:
        assert {shape.task for one, shape in plans() if one == name} == set(CLASSES), name


def pattern_free(name: str, shape: Shape, config: Any) -> Any:
    """Patterns name modules, and the families' names differ: here by the one at the end of all-linear's list."""
    if "patterns" not in name:
        return config
    leaf = {"bert": "query", "gpt2": "c_attn", "phi3": "qkv_proj", "t5": "v", "modernbert": "Wqkv"}
    key = {"roberta": "query", "distilbert": "q_lin", "deberta-v2": "query_proj", **leaf}.get(shape.family, "q_proj")
    changed = copy.copy(config)
    changed.rank_pattern, changed.alpha_pattern = {key: 2}, {key: 3.0}
    return changed


def trained(method: Method, shape: Shape) -> tuple[Any, list[float]]:
    base = make_model(shape)
    method.check(base, shape.task)
    torch.manual_seed(1)
    model = method.prepare(base, setting_of(shape, base))
    return model, train(model, shape)


def reloaded(method: Method, shape: Shape, folder: Path) -> Any:
    base = make_model(shape)
    if (folder / "config.json").exists():
        build: Any = CLASSES[shape.task].from_pretrained
        base = build(folder, attn_implementation="eager")
    return method.load(base, folder)


@pytest.mark.parametrize(("name", "shape"), plans(), ids=str)
def test_it_trains_and_is_the_same_reloaded_and_merged(
    name: str, shape: Shape, configs: dict[str, Any], tmp_path: Path
) -> None:
    """Every trained tensor gets a gradient, the loss falls, and what is saved is what was trained."""
    method = method_of(pattern_free(name, shape, configs[name]))
    if is_unfit(name, shape):
        with pytest.raises(ConfigError, match=r"which does not fit|which peft does not support"):
            method.check(make_model(shape), shape.task)
        return
    model, losses = trained(method, shape)
    assert losses[-1] < losses[0]
    dead = [
        key for key, one in model.named_parameters() if one.requires_grad and (one.grad is None or not one.grad.any())
    ]
    assert dead == []
    wanted = logits_of(model, shape)
    method.save(model, tmp_path, method.snapshot(model))
    loaded = reloaded(method, shape, tmp_path)
    torch.testing.assert_close(logits_of(loaded, shape), wanted, rtol=1e-5, atol=1e-5)
    if name in UNMERGEABLE:
        with pytest.raises(ModelError, match="cannot be added into the weights"):
            method.merge(loaded)
        return
    merged = method.merge(loaded)
    torch.testing.assert_close(logits_of(merged, shape), wanted, rtol=1e-4, atol=1e-4)
    assert not any("lora_" in key or "ia3_" in key for key, _ in merged.named_parameters())


@pytest.mark.parametrize("name", METHODS)
def test_a_base_that_is_shared_stays_as_it_was(name: str, configs: dict[str, Any]) -> None:
    """Trials of one worker use its tensors one after the other, or at once."""
    method, shape = method_of(configs[name]), Shape("bert", "SEQ_CLS")
    if not method.shares_base or "patterns" in name:
        return
    base = make_model(shape)
    before = {key: tensor.clone() for key, tensor in base.state_dict().items()}
    setting = setting_of(shape, base)
    own = {id(one): one for key, one in base.named_parameters() if key not in setting.new_keys}
    train(method.prepare(copy.deepcopy(base, own), setting), shape)
    for key, tensor in base.state_dict().items():
        assert torch.equal(tensor, before[key]), key


def test_adapters_begin_as_the_base(configs: dict[str, Any]) -> None:
    """A bottleneck adds nothing at first."""
    shape = Shape("llama", "CAUSAL_LM")
    for name in ("LoRA", "PiSSA", "Houlsby", "IA3"):
        base = make_model(shape)
        model = method_of(configs[name]).prepare(make_model(shape), setting_of(shape, base))
        torch.testing.assert_close(logits_of(model, shape), logits_of(base, shape), rtol=1e-4, atol=1e-5)


def test_a_wrong_target_lists_those_that_are_there() -> None:
    model = make_model(Shape("gpt2", "CAUSAL_LM"))
    for name, key in (("lora", "target_modules"), ("ia3", "target_modules"), ("adapters", "modules_to_save")):
        with pytest.raises(
            ConfigError, match=rf"method\.{key} has 'q_proj', which the model lacks; it has c_attn, c_fc"
        ):
            method_of(method_config(name, **{key: ["q_proj"]})).check(model, "CAUSAL_LM")


def test_rank_and_alpha_patterns_are_those_of_peft() -> None:
    shape = Shape("llama", "CAUSAL_LM")
    config = method_config("lora", r=4, alpha_over_r=3.0, rank_pattern={"q_proj": 2}, alpha_pattern={"q_proj": 8.0})
    base = make_model(shape)
    model: Any = method_of(config).prepare(base, setting_of(shape, base))
    layer = model.base_model.model.model.layers[0].self_attn
    assert (layer.q_proj.r["default"], layer.q_proj.scaling["default"]) == (2, 4.0)
    assert (layer.k_proj.r["default"], layer.k_proj.scaling["default"]) == (4, 3.0)


def test_upper_layers_alone_are_trained() -> None:
    shape = Shape("llama", "CAUSAL_LM")
    model = method_of(method_config("full", trained_layers=1)).prepare(
        make_model(shape), setting_of(shape, make_model(shape))
    )
    moved = {key for key, one in model.named_parameters() if one.requires_grad}
    assert any(key.startswith("model.layers.1.") for key in moved)
    assert not any(key.startswith(("model.layers.0.", "model.embed_tokens")) for key in moved)
    with pytest.raises(ConfigError, match=r"method.trained_layers is 3; the model has 2 layers"):
        method_of(method_config("full", trained_layers=3)).check(make_model(shape), shape.task)


def test_the_models_own_dropout_can_be_set() -> None:
    """And frozen models have none."""
    for family, task in (("bert", "SEQ_CLS"), ("llama", "CAUSAL_LM"), ("t5", "SEQ_2_SEQ_LM")):
        shape = Shape(family, task)
        gaps = []
        for config in (method_config("full", dropout=0.5), method_config("full", dropout=0.0), method_config("ia3")):
            base = make_model(shape)
            model: Any = method_of(config).prepare(base, setting_of(shape, base)).train()
            outputs = [model(**make_batch(shape)).logits for _ in range(2)]
            gaps.append(float((outputs[0] - outputs[1]).detach().abs().max()))
        assert gaps[0] > 1e-3
        assert gaps[1:] == [0.0, 0.0]


def test_an_adapter_file_of_another_base_is_refused(tmp_path: Path) -> None:
    method = method_of(method_config("adapters", reduction_factor=4))
    model, _ = trained(method, Shape("bert", "SEQ_CLS"))
    method.save(model, tmp_path, None)
    with pytest.raises(ModelError, match="does not fit the base model"):
        method.load(make_model(Shape("llama", "CAUSAL_LM")), tmp_path)


def test_virtual_tokens_leave_room_for_the_rows() -> None:
    from slimtune.training.models.positions import positions_of
    from slimtune.training.workbench.preflight import check_virtual_tokens

    positions = positions_of(make_model(Shape("gpt2", "CAUSAL_LM")))
    method = method_config("prompt_tuning", num_virtual_tokens=16)
    check_virtual_tokens(method, positions, longest=48)
    with pytest.raises(ConfigError, match=r"more than the model's 64 positions; use data.max_length=48"):
        check_virtual_tokens(method, positions, longest=49)
    check_virtual_tokens(method_config("lora"), positions, longest=64)


def test_a_difference_that_was_saved_is_a_plain_adapter(configs: dict[str, Any], tmp_path: Path) -> None:
    """peft alone, on the base as it was, gives the trained model's scores."""
    from peft import PeftModel

    shape = Shape("llama", "CAUSAL_LM")
    method = method_of(configs["PiSSA"])
    model, _ = trained(method, shape)
    method.save(model, tmp_path, None)
    assert isinstance(model.get_base_model(), type(AutoModelForCausalLM.from_config(make_model(shape).config)))
    theirs = PeftModel.from_pretrained(make_model(shape), tmp_path)
    torch.testing.assert_close(logits_of(theirs, shape), logits_of(model, shape), rtol=1e-4, atol=1e-5)
