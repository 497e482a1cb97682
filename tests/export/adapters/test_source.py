"""What can be an adapter of a shared base, and what is refused with a way out."""

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer

from slimtune.export.adapters.base import base_config
from slimtune.export.adapters.source import _validation, check_trained_on, open_source
from slimtune.export.bundle.adapter_folder import open_adapter_folder
from slimtune.export.runtime.classifier import Classifier
from slimtune.sweeper.cli import main
from slimtune.training.checkpoints.checkpoint import open_checkpoint
from slimtune.training.methods import peft_method
from tests.conftest import make_rows, method_config, write_jsonl

LOST = "which is not there any more, and nothing tells whether --base"
Edit = Callable[[dict[str, Any]], None]


@pytest.fixture(scope="module")
def base(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny encoder with a trained head of three labels."""
    folder = tmp_path_factory.mktemp("base") / "classifier"
    torch.manual_seed(3)
    labels = {0: "minus", 1: "plus", 2: "zero"}
    config = AutoConfig.from_pretrained(tiny_model, num_labels=3, id2label=labels)
    model = AutoModelForSequenceClassification.from_pretrained(tiny_model, config=config)
    model.classifier.bias.data.normal_()
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(tiny_model).save_pretrained(folder)
    return folder


def by_peft(base: Path, folder: Path, **settings: Any) -> Path:
    """An adapter that peft made and wrote."""
    given = {"task_type": "SEQ_CLS", "r": 4, "target_modules": ["query", "value"], **settings}
    model = get_peft_model(AutoModelForSequenceClassification.from_pretrained(base), LoraConfig(**given))
    torch.manual_seed(given["r"])
    for name, parameter in model.named_parameters():
        if "lora_B" in name or "modules_to_save" in name:
            parameter.data.normal_(0, 0.3)
    model.save_pretrained(str(folder))
    return folder


@pytest.fixture(scope="module")
def plain(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Without a head of its own, as peft writes it for other tasks than classification."""
    return by_peft(base, tmp_path_factory.mktemp("plain") / "lora", task_type=None)


def edited(source: Path, folder: Path, edit: Edit, *, name: str = "adapter_config.json") -> Path:
    if folder != source:
        shutil.copytree(source, folder)
    values = json.loads((folder / name).read_text())
    edit(values)
    (folder / name).write_text(json.dumps(values, default=lambda one: one.value))
    return folder


def run(base: Path, adapters: dict[str, Path], output: Path, *more: str) -> int:
    given = ",".join(f"{name}={path}" for name, path in adapters.items())
    return main(["adapters", "--base", str(base), "--adapters", given, "--output", str(output), *more])


def test_adapters_of_peft_over_a_base_with_a_head(
    base: Path, plain: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One answers by the base's head, one by its own; the base alone by its own labels; int8 around them."""
    whole = by_peft(
        base, tmp_path / "whole", r=6, modules_to_save=["pooler", "classifier"], target_modules="all-linear"
    )
    output = tmp_path / "out"
    given = {"plain": plain, "whole": whole}
    assert run(base, given, output, "--precision", "int8_dynamic", "--min-agreement", "0.5") == 0
    opened = open_adapter_folder(output)
    checks = {(one.name, one.graph): one for one in opened.manifest.checks}
    assert all(checks[name, "fp32"].relative_gap < 1e-5 for name in ("base", *given))
    assert all(1e-4 < checks[name, "int8_dynamic"].relative_gap < 0.5 for name in ("base", *given))
    labels = {name: opened.model(name).interface.labels for name in (*given, None)}
    assert labels == {
        "plain": ["minus", "plus", "zero"],
        "whole": ["LABEL_0", "LABEL_1", "LABEL_2"],
        None: ["minus", "plus", "zero"],
    }
    texts = [row["text"] for row in make_rows(24)]
    for name in (*given, None):
        model: Any = AutoModelForSequenceClassification.from_pretrained(base).eval()
        model = model if name is None else peft_method.load(model, given[name])
        tokenizer = AutoTokenizer.from_pretrained(base)
        with torch.inference_mode():
            expected = [int(model(**tokenizer(text, return_tensors="pt")).logits.argmax()) for text in texts]
        answers = Classifier(opened.model(name)).answer(texts)
        same = [answer.labels[0] == labels[name][at] for answer, at in zip(answers, expected, strict=True)]
        assert sum(same) >= 22
    capsys.readouterr()
    assert main(["predict", "--model", str(output), "--adapter", "base", "--text", texts[0]]) == 0
    assert capsys.readouterr().out.split("\t")[0] in labels[None]


@pytest.fixture
def refused(base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Runs the command over an adapter; what it says when it ends with exit code 2 and has written nothing."""

    def refuse(folder: Path, over: Path = base) -> str:
        assert run(over, {"mine": folder}, tmp_path / "out") == 2
        error = capsys.readouterr().err
        assert "Traceback" not in error
        assert any(word in error for word in ("export", "train", "write", "give", "convert", "save"))
        assert not (tmp_path / "out").exists()
        return error

    return refuse


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        ({"use_dora": True}, "adapter mine is DoRA"),
        ({"peft_type": "IA3"}, "adapter mine is of kind IA3"),
        ({"peft_type": "PROMPT_TUNING"}, "adapter mine is of kind PROMPT_TUNING"),
        ({"bias": "all"}, "adapter mine has bias='all'"),
        ({"lora_bias": True}, "adapter mine has lora_bias=True"),
        ({"layer_replication": [[0, 2]]}, "adapter mine has layer_replication=[[0, 2]]"),
        ({"a_setting_of_tomorrow": 3}, "adapter mine has a_setting_of_tomorrow=3"),
        ({"init_lora_weights": "pissa_niter_4"}, "takes the adapter out of the base's weights"),
        ({"task_type": "TOKEN_CLS"}, "has task_type 'TOKEN_CLS'; one base serves SEQ_CLS or CAUSAL_LM"),
        ({"base_model_name_or_path": "org/other"}, "was trained on 'org/other'"),
        ({"revision": "v2"}, "was trained on revision v2"),
    ],
    ids=lambda value: "" if isinstance(value, str) else next(iter(value)),
)
def test_what_lora_inputs_cannot_be_is_refused(
    edit: dict[str, Any], message: str, plain: Path, tmp_path: Path, refused: Callable[..., str]
) -> None:
    assert message in refused(edited(plain, tmp_path / "mine", lambda settings: settings.update(edit)))


def test_real_dora_is_refused(base: Path, tmp_path: Path, refused: Callable[..., str]) -> None:
    folder = by_peft(base, tmp_path / "dora", use_dora=True)
    assert "train with method.use_dora=false, or export it alone, by slimtune export" in refused(folder)


def test_a_classifier_without_its_head_is_refused(plain: Path, tmp_path: Path, refused: Callable[..., str]) -> None:
    folder = edited(plain, tmp_path / "mine", lambda settings: settings.update(task_type="SEQ_CLS"))
    assert "has no 'classifier.bias', without which peft cannot load it" in refused(folder)


def renamed(plain: Path, folder: Path, change: Callable[[dict[str, torch.Tensor]], None]) -> Path:
    shutil.copytree(plain, folder)
    tensors = load_file(folder / "adapter_model.safetensors")
    change(tensors)
    save_file(tensors, folder / "adapter_model.safetensors")
    return folder


QUERY = "base_model.model.bert.encoder.layer.0.attention.self.query"


@pytest.mark.parametrize(
    ("tensor", "message"),
    [
        ((f"{QUERY}.lora_magnitude_vector", (32,)), "is no LoRA of a linear layer"),
        ((f"{QUERY}.lora_A.weight", (4, 48)), "of 48 by 32, and the base has it as (32, 32)"),
        ((f"{QUERY.replace('layer.0', 'layer.9')}.weight", (32,)), "and the base has no such layer"),
        (("base_model.model.classifier.weight", (3, 48)), "of shape (3, 48), and the base has it as (3, 32)"),
    ],
)
def test_tensors_that_do_not_fit_are_refused(
    tensor: tuple[str, tuple[int, ...]], message: str, plain: Path, tmp_path: Path, refused: Callable[..., str]
) -> None:
    name, shape = tensor
    folder = renamed(plain, tmp_path / "mine", lambda tensors: tensors.update({name: torch.zeros(shape)}))
    assert message in refused(folder)


def test_pickled_weights_are_not_read(plain: Path, tmp_path: Path, refused: Callable[..., str]) -> None:
    folder = shutil.copytree(plain, tmp_path / "mine")
    (folder / "adapter_model.safetensors").rename(folder / "adapter_model.bin")
    assert "pickled weights (*.bin) are not read" in refused(folder)


def test_another_tokenizer_is_refused(base: Path, plain: Path, tmp_path: Path, refused: Callable[..., str]) -> None:
    """The adapter's own says that upper case counts."""
    folder = shutil.copytree(plain, tmp_path / "mine")
    edit: Edit = lambda values: values["normalizer"].update(lowercase=False)  # noqa: E731
    shutil.copy(base / "tokenizer.json", folder)
    edited(folder, folder, edit, name="tokenizer.json")
    assert "reads texts as other tokens than the base's tokenizer" in refused(folder)


@pytest.fixture
def noted(checkpoint: Path, tmp_path: Path) -> Callable[..., Path]:
    """A checkpoint of slimtune whose record says something else."""

    def note(section: str, values: dict[str, Any]) -> Path:
        edit: Edit = lambda record: record["config"][section].update(values)  # noqa: E731
        return edited(checkpoint, tmp_path / "mine", edit, name="slimtune.json")

    return note


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"quantization": "nf4"}, "was trained on a base in nf4 (QLoRA)"),
        ({"name_or_path": "org/model"}, "was trained on 'org/model'"),
        ({"revision": "v2"}, "was trained on revision v2"),
    ],
)
def test_the_record_of_a_checkpoint_is_heeded(
    values: dict[str, Any], message: str, tiny_model: Path, noted: Callable[..., Path], refused: Callable[..., str]
) -> None:
    assert message in refused(noted("model", values), tiny_model)


@pytest.mark.parametrize(
    ("fingerprint", "said"), [("of those before", "has other weights than those that"), (None, LOST)]
)
def test_a_base_that_is_not_there_any_more_is_known_by_its_weights_alone(  # noqa: PLR0913
    checkpoint: Path, tiny_model: Path, tmp_path: Path, refused: Callable[..., str], fingerprint: str | None, said: str
) -> None:
    def edit(record: dict[str, Any]) -> None:
        record["config"]["model"]["name_or_path"] = "/elsewhere/model"
        record["base_fingerprint"] = fingerprint

    assert said in refused(edited(checkpoint, tmp_path / "mine", edit, name="slimtune.json"), tiny_model)


def test_a_copy_of_a_base_that_is_not_there_any_more_is_taken(
    checkpoint: Path, tiny_model: Path, tmp_path: Path
) -> None:
    folder = edited(
        checkpoint,
        tmp_path / "mine",
        lambda record: record["config"]["model"].update(name_or_path="/elsewhere/model"),
        name="slimtune.json",
    )
    copy = base_config(str(shutil.copytree(tiny_model, tmp_path / "copy")), None)
    check_trained_on(open_source("mine", str(folder), base=copy), copy)


def test_a_base_that_is_nowhere_is_told_before_it_is_compared(checkpoint: Path, refused: Callable[..., str]) -> None:
    assert "--base is '/none/model', which is not a folder" in refused(checkpoint, Path("/none/model"))


def test_a_base_that_was_replaced_in_its_folder_is_refused(
    checkpoint: Path, tiny_model: Path, tmp_path: Path, refused: Callable[..., str]
) -> None:
    edit: Edit = lambda record: record.update(base_fingerprint="of those before")  # noqa: E731
    folder = edited(checkpoint, tmp_path / "mine", edit, name="slimtune.json")
    assert "has other weights than those that" in refused(folder, tiny_model)


@pytest.mark.parametrize(
    ("method", "message"),
    [
        ("full", "trained by method=full, which has all weights of its own"),
        ("adapters", "trained by method=adapters, which has no LoRA"),
        ("ia3", "trained by method=ia3, which has no LoRA"),
        ("prompt_tuning", "trained by method=prompt_tuning, which has no LoRA"),
    ],
)
def test_other_methods_are_refused(
    method: str, message: str, tiny_model: Path, noted: Callable[..., Path], refused: Callable[..., str]
) -> None:
    values = asdict(method_config(method))
    folder = noted("method", {})
    edit: Edit = lambda record: record["config"].update(method=values)  # noqa: E731
    assert message in refused(edited(folder, folder, edit, name="slimtune.json"), tiny_model)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("mine", "give <name>=<run or folder>"),
        ("my/one=x", "give <name>=<run or folder>"),
        ("a={0},a={0}", "has 'a' twice"),
        ("base={0}", "'base' is the base alone"),
        ("a=/nowhere", "neither a folder nor a run with a checkpoint"),
    ],
)
def test_bad_arguments_are_told(
    given: str, message: str, base: Path, plain: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--base", str(base), "--adapters", given.format(plain), "--output", "no-folder"]
    assert main(["adapters", *words]) == 2
    assert message in capsys.readouterr().err


def test_an_adapter_that_writes_needs_a_causal_base(
    base: Path, plain: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = edited(plain, tmp_path / "writer", lambda settings: settings.update(task_type="CAUSAL_LM"))
    assert run(base, {"first": plain, "second": other}, tmp_path / "out") == 2
    printed = capsys.readouterr().err
    assert run(base, {"second": other}, tmp_path / "out") == 2
    assert capsys.readouterr().err == printed
    assert "which writes no text" in printed
    assert not (tmp_path / "out").exists()


def test_alpha_is_looked_up_as_peft_does(base: Path, plain: Path, tmp_path: Path) -> None:
    """By the end of a module's name, as a regular expression, before the common one."""
    settings = {"lora_alpha": 8, "alpha_pattern": {r"layer\.1\..*query": 20}, "use_rslora": False}
    folder = edited(plain, tmp_path / "mine", lambda given: given.update(settings))
    source = open_source("mine", str(folder), base=base_config(str(base), None))
    scales = {module: source.scale(module) for module in source.modules}
    assert scales["bert.encoder.layer.1.attention.self.query"] == 20 / 4
    assert scales["bert.encoder.layer.0.attention.self.query"] == 8 / 4


def test_rows_by_a_relative_path_are_found_from_another_folder(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Or a warning says what the adapter is compared on instead."""
    config = open_checkpoint(checkpoint).config
    config = config._replace(data=replace(config.data, train_file="rows.jsonl"))
    trained: Any = SimpleNamespace(config=config, folder=tmp_path / "project" / "outputs" / "trial")
    trained.folder.mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert _validation("tone", trained) == ()
    assert "adapter tone is compared with PyTorch on a few sentences" in caplog.text
    assert "'rows.jsonl', which is relative to another folder" in caplog.text
    write_jsonl(tmp_path / "project" / "rows.jsonl", make_rows(60))
    assert len(_validation("tone", trained)) > 0
