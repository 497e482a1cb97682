"""One causal base with adapters that write, one trained by slimtune and one by peft alone."""

import json
import re
from collections import Counter
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from slimtune.export.adapters.check import within_limits
from slimtune.export.bundle.adapter_folder import open_adapter_folder
from slimtune.export.bundle.adapters_manifest import AdapterCheck
from slimtune.export.commands.terminal_text import one_line
from slimtune.export.runtime.generation_session import CausalSession
from slimtune.export.runtime.row_predictor import LocatedRow, TextColumns, row_predictor_of
from slimtune.sweeper.cli import main
from slimtune.training.errors import ModelError
from slimtune.training.methods import peft_method
from slimtune.training.models.generate import Generation, generate
from tests.conftest import write_jsonl
from tests.export.conftest import make_llama, trained
from tests.training.tasks.conftest import ANSWERS

PROMPTS = ["Mara left", "Ben saw Lima and", "Iris"]
# an extra
GENAI = ["--genai"] if find_spec("onnxruntime_genai") else []
MAX_NEW_TOKENS = {"answers": 8, "foreign": 64, None: 64}


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_llama(tmp_path_factory.mktemp("bases") / "llama")


@pytest.fixture(scope="module")
def adapters(llama: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Rank 8 by slimtune, and ranks 16 and 3 with rsLoRA and an alpha of their own by peft."""
    folder = tmp_path_factory.mktemp("adapters")
    rows = write_jsonl(folder / "rows.jsonl", ANSWERS)
    own = (
        "task=generation",
        "task.max_new_tokens=8",
        "data.drop_leaks=false",
        "fit.epochs=4",
        "fit.learning_rate=1e-2",
    )
    return {"answers": trained(folder, llama, rows, *own), "foreign": foreign(llama, folder / "foreign")}


def foreign(base: Path, folder: Path, **more: Any) -> Path:
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(1)
    settings = LoraConfig(
        task_type="CAUSAL_LM",
        r=16,
        lora_alpha=8,
        use_rslora=True,
        target_modules=["q_proj", "down_proj", "v_proj"],
        rank_pattern={"1.mlp.down_proj": 3},
        alpha_pattern={r"layers.\d.self_attn.v_proj": 24},
        **more,
    )
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(base), settings)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            parameter.data.normal_(0, 0.05)
    model.save_pretrained(str(folder))
    return folder


def export(llama: Path, adapters: dict[str, Path], output: Path, *more: str) -> Path:
    # by spaces, where others separate by commas
    given = [f"{name}={path}" for name, path in adapters.items()]
    words = ["--base", str(llama), "--adapters", *given, "--output", str(output), *GENAI, *more]
    assert main(["adapters", *words]) == 0
    return output


@pytest.fixture(scope="module")
def folder(llama: Path, adapters: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(llama, adapters, tmp_path_factory.mktemp("fp32") / "out")


@pytest.fixture(scope="module")
def int4(llama: Path, adapters: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(
        llama, adapters, tmp_path_factory.mktemp("int4") / "out", "--precision", "int4", "--min-agreement", "0"
    )


def in_peft(llama: Path, adapters: dict[str, Path], name: str | None) -> Any:
    model = AutoModelForCausalLM.from_pretrained(llama).eval()
    return model if name is None else peft_method.load(model, adapters[name])


@pytest.mark.parametrize("name", ["answers", "foreign", None])
def test_text_is_that_of_peft(name: str | None, folder: Path, llama: Path, adapters: dict[str, Path]) -> None:
    """Greedy tokens of prompts of unlike length, with the cache; and the base alone writes as the base."""
    tokenizer = AutoTokenizer.from_pretrained(llama)
    prompts = [tokenizer(prompt)["input_ids"] for prompt in PROMPTS]
    settings, cpu = Generation(MAX_NEW_TOKENS[name], 1), torch.device("cpu")
    expected = generate(in_peft(llama, adapters, name), prompts, tokenizer, settings=settings, device=cpu)
    predictor = row_predictor_of(open_adapter_folder(folder).model(name), TextColumns(text="text"))
    answers = predictor.answers([LocatedRow({"text": prompt}, "here") for prompt in PROMPTS])
    found = [answer["prediction"] for answer in answers]
    assert found == [text.strip() for text in expected]
    assert len(set(found)) > 1


def test_adapters_differ_and_are_switched_on_one_base(folder: Path) -> None:
    opened = open_adapter_folder(folder)
    base = CausalSession(folder)
    ids = np.array([[5, 9, 40, 7]])
    given = (ids, np.ones_like(ids))
    alone = base.scores(*given)
    sessions = {name: base.with_adapter(opened.file(name)) for name in opened.names}
    first = {name: session.scores(*given) for name, session in sessions.items()}
    assert all(np.abs(scores - alone).max() > 0.1 for scores in first.values())
    assert np.array_equal(base.scores(*given), alone)
    assert all(np.array_equal(sessions[name].scores(*given), first[name]) for name in sessions)


@pytest.mark.parametrize("name", ["answers", "base", "none"])
def test_predict_writes(name: str, folder: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    arguments = ["predict", "--model", str(folder), "--adapter", name]
    assert main([*arguments, "--text", "Mara left"]) == 0
    printed = capsys.readouterr().out
    assert printed.endswith("\tMara left\n")
    source = write_jsonl(tmp_path / "in.jsonl", [{"text": "Mara left", "id": 7}])
    assert main([*arguments, "--file", str(source)]) == 0
    row = json.loads(capsys.readouterr().out)
    assert (row["id"], one_line(row["prediction"], keep="\n")) == (7, printed.rpartition("\t")[0])


def test_an_int4_base_has_adapters_in_full_precision(int4: Path, folder: Path) -> None:
    graph = onnx.load(int4 / "model.onnx").graph
    types = Counter(node.op_type for node in graph.node)
    assert types["MatMulNBits"] >= 14, "every layer, and the output"
    inputs = {item.name: item for item in graph.input if "lora" in item.name}
    assert len(inputs) == 2 * len({name.rsplit(".", 2)[0] for name in inputs}) >= 14
    assert {item.type.tensor_type.elem_type for item in inputs.values()} == {onnx.TensorProto.FLOAT}
    for name in ("answers", "foreign"):
        file = f"{name}.onnx_adapter"
        assert (int4 / file).read_bytes() == (folder / file).read_bytes()


def test_an_int4_base_is_measured_with_each_adapter(int4: Path, folder: Path) -> None:
    manifest = json.loads((int4 / "manifest.json").read_text())
    checks = {(one["name"], one["graph"]): one for one in manifest["checks"]}
    for name in ("base", "answers", "foreign"):
        assert checks[name, "fp32"]["relative_gap"] < 1e-5
        # rounding of the base's weights, which a random model feels much, with an adapter as without
        gap, alone = (checks[one, "int4"]["relative_gap"] for one in (name, "base"))
        assert 1e-3 < gap < 2 * alone
    assert (int4 / "model.onnx").stat().st_size < 0.6 * (folder / "model.onnx").stat().st_size


@pytest.mark.parametrize(
    ("check", "message"),
    [
        (
            AdapterCheck("a", "int4", 7, 9.0, 0.5, 0.89),
            "adapter a gives PyTorch's answer in 89.0% of 7 rows with a base in int4",
        ),
        (
            AdapterCheck("base", "fp32", 7, 2.0, 2e-3, 1.0),
            "the base alone differs on the graph from PyTorch by 2.00e+00",
        ),
        (AdapterCheck("a", "genai fp32", 7, 2.0, float("nan"), 1.0), "adapter a differs on the graph"),
    ],
)
def test_what_differs_too_much_is_refused(check: AdapterCheck, message: str) -> None:
    with pytest.raises(ModelError, match=re.escape(message)):
        within_limits([check], min_agreement=0.9)


@pytest.mark.skipif(not GENAI, reason="onnxruntime-genai is an extra")
def test_onnxruntime_genai_takes_the_same_adapters(folder: Path, int4: Path) -> None:
    """Its tokens and its graph's scores are peft's, with each adapter and without."""
    for written, precision in ((folder, "fp32"), (int4, "int4")):
        manifest = json.loads((written / "manifest.json").read_text())
        checks = {one["name"]: one for one in manifest["checks"] if one["graph"] == f"genai {precision}"}
        assert checks.keys() == {"base", "answers", "foreign"}
        for check in checks.values():
            exact = precision == "fp32"
            assert (check["relative_gap"] < 1e-4, check["agreement"] == 1.0) == (exact, exact)
            assert check["relative_gap"] <= 2 * checks["base"]["relative_gap"] + 1e-4
        assert "genai/model.onnx" in manifest["files"]


@pytest.mark.skipif(not GENAI, reason="onnxruntime-genai is an extra")
def test_onnxruntime_genai_switches_adapters_on_one_base(folder: Path) -> None:
    """Back and forth, and each time as the first."""
    from slimtune.export.adapters.genai import GenaiAdapters

    opened = open_adapter_folder(folder)
    base = GenaiAdapters(folder / "genai", {name: opened.file(name) for name in opened.names})
    prompts = base.encode(PROMPTS)
    written = {name: base.with_adapter(name).generate(prompts, max_new_tokens=12) for name in (*opened.names, None)}
    assert len({json.dumps(ids) for ids in written.values()}) == 3
    for name in reversed([*written]):
        assert base.with_adapter(name).generate(prompts, max_new_tokens=12) == written[name]


@pytest.mark.skipif(not GENAI, reason="onnxruntime-genai is an extra")
def test_the_documented_lines_write_what_predict_writes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = (Path(__file__).parents[3] / "docs" / "adapters.md").read_text()
    code = page.split("```python\n")[2].split("```")[0]
    assert 'folder, name = "served", "answers"' in code
    exec(code.replace('"served"', f'"{folder}"'), {})
    written = capsys.readouterr().out.strip()
    assert main(["predict", "--model", str(folder), "--adapter", "answers", "--text", "Mara left"]) == 0
    assert capsys.readouterr().out.rpartition("\t")[0] == written
