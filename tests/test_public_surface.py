"""`import slimtune`: what is promised to scripts and notebooks."""

import doctest
import inspect
import json
import logging
import operator
import re
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import hydra
import pytest
from hydra.core.global_hydra import GlobalHydra

import slimtune
from tests.export.conftest import untimed

__all__ = ["untimed"]
# a change here is a change for users: it belongs into the changelog
SIGNATURES = {
    "sweep": "*overrides, config=",
    "train": "*overrides, config=",
    "current_trial": "",
    "evaluate_model": "model, *, data, metric=, columns=, tracking_uri=, trust=",
    "export_checkpoint": "checkpoint, *, folder, config=, provenance=, read=, trust=",
    "Predictor.open": "model, *, adapter=, columns=, max_new_tokens=, tracking_uri=, trust=",
    "Predictor.rows": "self, rows",
    "Predictor.__call__": "self, text, text_pair=",
}
FIELDS = {
    "SweepResult": ("trial", "params", "score", "checkpoint", "bundle", "registered", "values", "pareto"),
    "TrainResult": ("scores", "checkpoint", "run_id"),
}
OTHERS = {"TrialPruned"}
ERRORS = {
    "SlimtuneError": Exception,
    "UserError": "SlimtuneError",
    "ConfigError": "UserError",
    "DataError": "UserError",
    "ModelError": "UserError",
    "UntrustedError": "ModelError",
    "StoreError": "UserError",
    "SweepStopped": "SlimtuneError",
    "TrialError": "SlimtuneError",
    "Diverged": "TrialError",
}


def test_the_names_are_frozen() -> None:
    functions = {name.partition(".")[0] for name in SIGNATURES}
    assert set(slimtune.__all__) == functions | FIELDS.keys() | OTHERS | ERRORS.keys()
    assert dir(slimtune) == sorted(slimtune.__all__)
    for name in slimtune.__all__:
        assert getattr(slimtune, name).__doc__, name


@pytest.mark.parametrize("name", sorted(SIGNATURES))
def test_the_signatures_are_frozen(name: str) -> None:
    """Names, order, and which may be left out."""
    signature = inspect.signature(operator.attrgetter(name)(slimtune))
    bare = [
        parameter.replace(annotation=inspect.Parameter.empty, default=inspect.Parameter.empty)
        for parameter in signature.parameters.values()
    ]
    said = str(inspect.Signature(bare)).strip("()").split(", ")
    optional = {key for key, value in signature.parameters.items() if value.default is not inspect.Parameter.empty}
    assert ", ".join(f"{one}=" if one in optional else one for one in said) == SIGNATURES[name]


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_the_fields_of_results_are_frozen(name: str) -> None:
    assert getattr(slimtune, name)._fields == FIELDS[name]


@pytest.mark.parametrize("name", sorted(ERRORS))
def test_the_tree_of_errors_is_frozen(name: str) -> None:
    above = ERRORS[name]
    assert getattr(slimtune, name).__bases__ == (getattr(slimtune, above) if isinstance(above, str) else above,)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'slimtune' has no attribute 'swep'"):
        _ = slimtune.swep


def test_importing_slimtune_imports_nothing_else() -> None:
    code = "import slimtune, sys; print([name for name in sys.modules if name.startswith('slimtune.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("name", "forbidden"),
    [
        ("sweep", ("torch", "transformers", "mlflow", "optuna")),
        ("current_trial", ("torch", "transformers", "mlflow", "optuna")),
        ("Predictor", ("torch", "transformers", "mlflow", "optuna", "sklearn", "peft")),
        ("ConfigError", ("torch", "hydra", "numpy")),
    ],
)
def test_a_name_loads_only_what_it_needs(name: str, forbidden: tuple[str, ...]) -> None:
    code = f"import slimtune, sys, json; slimtune.{name}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(forbidden) & set(json.loads(done.stdout)) == set()


@pytest.fixture
def notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_model: Path, rows_file: Path) -> Path:
    """A working folder with rows and a model, as the examples have it."""
    shutil.copy(rows_file, tmp_path / "rows.jsonl")
    shutil.copytree(tiny_model, tmp_path / "my_encoder")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def value_of(source: str, names: dict[str, object]) -> str:
    """What Python shows of an expression; what a sweep prints meanwhile is not shown in examples."""
    try:
        compiled = compile(source, "<example>", "eval")
    except SyntaxError:
        exec(source, names)
        return ""
    return f"{eval(compiled, names)!r}\n"


def run_examples(docstring: str | None) -> None:
    """What the docstring shows is what happens."""
    examples = doctest.DocTestParser().get_examples(docstring or "")
    assert examples
    names: dict[str, object] = {}
    for example in examples:
        assert not example.options, "it is run, not skipped"
        assert value_of(example.source, names) == example.want, example.source


@pytest.mark.slow
@pytest.mark.usefixtures("untimed")
def test_the_examples_of_a_sweep_and_of_what_it_leaves_run(notebook: Path) -> None:
    """Written under the working folder; the later ones use the model that the first one left."""
    for function in (slimtune.sweep, slimtune.evaluate_model, slimtune.Predictor, slimtune.export_checkpoint):
        run_examples(function.__doc__)
    assert {path.name for path in notebook.iterdir()} >= {"outputs", "mlruns", "exported"}
    # the same sweep, as the pages print it: it has ended, and is not run again
    overrides = doctest.DocTestParser().get_examples(slimtune.sweep.__doc__ or "")[1].source
    searched = overrides.partition("(")[2].rstrip().removesuffix(")")
    for page in ("README.md", "docs/use.md"):
        text = (Path(slimtune.__file__).resolve().parents[2] / page).read_text(encoding="utf-8")
        code = text.split("```python\nimport slimtune\n")[1].split("```")[0]
        # the docstring's own export is in that place
        shutil.rmtree("exported", ignore_errors=True)
        exec(re.sub(r"slimtune\.sweep\([^)]*\)", f"slimtune.sweep({searched})", code), {"slimtune": slimtune})


def snippets_of_use() -> list[str]:
    """The code of the section "From Python"."""
    text = (Path(slimtune.__file__).resolve().parents[2] / "docs/use.md").read_text(encoding="utf-8")
    section = text.split("\n## From Python\n")[1].split("\n## ")[0]
    return re.findall(r"```python\n(.*?)```", section, re.DOTALL)


def test_each_public_function_has_its_line_in_the_page() -> None:
    code = "\n".join(snippets_of_use())
    compile(code, "docs/use.md", "exec")
    for name in SIGNATURES:
        called = {"Predictor.__call__": "model(", "Predictor.rows": "model.rows("}.get(name, f"slimtune.{name}(")
        assert called in code, name


OWN_FILE = """
data: {train_file: rows.jsonl}
model: {name_or_path: my_encoder}
fit: {max_steps: 4}
search: {name: tickets, rerun_seeds: 0}
export: {variants: [], max_metric_drop: 0.5}
"""


@pytest.mark.slow
@pytest.mark.usefixtures("untimed")
def test_the_snippet_with_a_config_file_runs(notebook: Path) -> None:
    """With fewer trials; the file is no option of a later call."""
    (notebook / "tickets.yaml").write_text(OWN_FILE)
    (code,) = [one for one in snippets_of_use() if "config=" in one]
    names: dict[str, object] = {}
    exec(code.replace("n_trials=8", "n_trials=1"), names)
    assert isinstance(names["found"], slimtune.SweepResult)
    assert names["found"].checkpoint.is_relative_to(notebook / "outputs" / "tickets")
    with pytest.raises(slimtune.ConfigError, match="experiment=tickets is not an option"):
        slimtune.train("experiment=tickets")


def test_the_snippet_of_a_task_runs_alone() -> None:
    (code,) = [one for one in snippets_of_use() if "current_trial" in one]
    names: dict[str, Any] = {}
    exec(code, names)
    assert round(names["task"](SimpleNamespace(x=2.0)), 2) == 1.33


@pytest.mark.slow
@pytest.mark.parametrize("name", ["train", "current_trial"])
def test_the_examples_run(notebook: Path, name: str) -> None:
    run_examples(getattr(slimtune, name).__doc__)
    assert name == "current_trial" or {path.name for path in notebook.iterdir()} >= {"outputs", "mlruns"}


SHORT = ("data=file", "data.train_file=rows.jsonl", "model.name_or_path=my_encoder", "tracking=none", "fit.max_steps=4")


@pytest.mark.slow
def test_a_sweep_that_has_ended_gives_the_same_result_again(notebook: Path) -> None:
    """In one process; without an export there is no bundle, and without a tracker no version."""
    searched = (*SHORT, "search.name=mine", "search.n_trials=2", "search.rerun_seeds=0", "export=none")
    first, again = slimtune.sweep(*searched), slimtune.sweep(*searched)
    assert first == again
    assert (first.bundle, first.registered) == (None, None)
    assert first.checkpoint.is_relative_to(notebook / "outputs" / "mine" / "trials" / str(first.trial))


@pytest.mark.parametrize("function", [slimtune.sweep, slimtune.train])
def test_all_problems_of_a_config_are_one_error(notebook: Path, function: object) -> None:
    assert callable(function)
    with pytest.raises(slimtune.ConfigError) as raised:
        function(*SHORT, "fit.epochs=-1", "method.r=many")
    assert len(raised.value.problems) == 2
    assert not (notebook / "mlruns").exists()


@pytest.mark.parametrize("function", [slimtune.sweep, slimtune.train])
@pytest.mark.parametrize(
    ("overrides", "told"),
    [
        (["--cfg", "job"], "--cfg is a flag of the command line; give overrides"),
        (["--config", "own.yaml"], "--config is a flag of the command line; give the keyword config='own.yaml'"),
        (["--config=own.yaml"], "give the keyword config='own.yaml'"),
        (["--config-dir", "own"], "give hydra.searchpath=[own]"),
        (["experiment=own.yaml"], "for a file of your own, write config='own.yaml'"),
        (["experiment=own/experiment/one.yaml"], "write hydra.searchpath=[own] experiment=one"),
        (["own.yaml"], "own.yaml is no override; a config file is given by config='own.yaml'"),
        ([["fit.epochs=1"]], "several in a list are given with a star"),
        ([None], "None is none: an override is a text"),
        (["task.class_weights={'+1': 2}"], "in a file of your own, and give config='mine.yaml'"),
    ],
)
def test_errors_recommend_what_python_takes(
    function: Callable[..., object], overrides: list[Any], told: str, notebook: Path
) -> None:
    with pytest.raises(slimtune.ConfigError, match=re.escape(told)) as raised:
        function(*overrides)
    assert "write --" not in str(raised.value)
    assert "give --" not in str(raised.value)


@pytest.mark.parametrize("function", [slimtune.sweep, slimtune.train])
@pytest.mark.parametrize(
    ("overrides", "config", "told"),
    [
        ([], "nosuch.yaml", "config is nosuch.yaml, which is no file"),
        ([], "", "config takes one file, e.g. config='mine.yaml'"),
        ([], {"fit": 1}, "config is {'fit': 1}; give the path of a file"),
        ([], Path("list.yaml"), "config is list.yaml, which holds no sections"),
        (["experiment=tone"], "own.yaml", "config='own.yaml' is an experiment, and so is experiment=tone"),
        (["fit.epochs=-1"], "own.yaml", "fit.epochs is -1"),
        ([], "typo.yaml", "fit.epoch is not a key; did you mean 'epochs'?"),
    ],
)
def test_a_config_file_is_read_as_the_command_reads_it(
    function: Callable[..., object], overrides: list[str], config: Any, told: str, notebook: Path
) -> None:
    """And what is wrong with it is told by the keyword."""
    (notebook / "own.yaml").write_text(OWN_FILE)
    (notebook / "list.yaml").write_text("[1, 2]")
    (notebook / "typo.yaml").write_text(OWN_FILE.replace("max_steps", "epoch"))
    with pytest.raises(slimtune.UserError, match=re.escape(told)) as raised:
        function(*overrides, config=config)
    assert "--config" not in str(raised.value)


def test_what_the_caller_has_set_up_stays(notebook: Path) -> None:
    """Its own Hydra, its logging, its arguments and its folder."""
    root = logging.getLogger()
    before = (root.handlers[:], root.level, warnings.showwarning, sys.argv[:], Path.cwd())
    with hydra.initialize_config_module("slimtune.conf", version_base="1.3"):
        own = GlobalHydra.instance().hydra
        with pytest.raises(slimtune.ConfigError):
            slimtune.train(*SHORT, "fit.epochs=-1")
        with pytest.raises(slimtune.UserError, match="absent"):
            slimtune.train(*SHORT, "model.name_or_path=absent")
        assert GlobalHydra.instance().hydra is own
        assert hydra.compose("config", overrides=["data.train_file=x"]).data.train_file == "x"
    assert (root.handlers[:], root.level, warnings.showwarning, sys.argv[:], Path.cwd()) == before
