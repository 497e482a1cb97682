"""Every file under conf/ composes and passes the typed checks."""

from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_module

import slimtune.conf
from slimtune.sweeper.checks import problems_of
from slimtune.sweeper.config_values import plain
from slimtune.sweeper.search.settings import names_file
from slimtune.sweeper.space.read_space import read_space

FOLDER = Path(str(slimtune.conf.__file__)).parent
OPTIONS = sorted(
    f"{path.parent.relative_to(FOLDER)}={path.stem}"
    for path in FOLDER.rglob("*.yaml")
    if path.parent != FOLDER and path.relative_to(FOLDER).parts[0] != "hydra"
)


@pytest.mark.parametrize("option", OPTIONS)
def test_every_option_composes_and_is_valid(option: str) -> None:
    with initialize_config_module("slimtune.conf", version_base="1.3"):
        # only classification has a graph to export; an experiment says so itself
        more = [] if option.startswith(("export=", "export/", "experiment=")) else ["export=none"]
        if option.startswith("preset="):
            # chosen by fit and method
            more += [f"{group}={name}" for group, name in zip(("fit", "method"), option[7:].split("_", 1), strict=True)]
            option = more.pop()
        if option.startswith("model=tiny"):
            more.append("method=full")
        if option in ("data=requests", "data=python_summaries"):
            # their template is one of prompts
            more.append("task=generation")
        if option == "task=custom":
            more.append("task.name=examples.custom.regression.Regression")
        rows = "data.dataset=org/tones" if option == "data=hub" else "data.train_file=rows.jsonl"
        values = plain(compose("config", overrides=[option, rows, *more]))
    assert problems_of(values) == []
    assert names_file(values["space"]) or read_space(values["space"]).problems == []


def test_presets_are_what_they_say() -> None:
    """LoRA's rank, scale and dropout; weights in 4 bits, one row of sixteen at a time; a cosine."""

    def composed(*overrides: str) -> dict[str, Any]:
        with initialize_config_module("slimtune.conf", version_base="1.3"):
            return plain(compose("config", overrides=["data.train_file=rows.jsonl", *overrides]))

    for method in ("lora", "lora_bert", "qlora"):
        values = composed("fit=regularized", f"method={method}")
        assert [values["method"][key] for key in ("r", "alpha", "dropout")] == [16, 16, 0.1]
        assert values["fit"]["weight_decay"] == 0.01
        assert problems_of(values) == []
    assert composed("fit=regularized", "method=full")["method"]["dropout"] == 0.1
    assert composed("fit=regularized", "method=ia3")["method"]["name"] == "ia3"
    assert composed("fit=regularized", "method.r=4")["method"]["r"] == 4
    memory = composed("fit=memory")
    assert memory["model"]["quantization"] == "nf4"
    assert [memory["fit"][key] for key in ("batch_size", "micro_batch_size")] == [16, 1]
    assert memory["fit"]["gradient_checkpointing"] is True
    assert composed("fit=speed")["fit"]["schedule"] == "cosine"


def test_there_is_one_place_for_a_default() -> None:
    """Dataclasses hold types, YAML holds values: no field has a default."""
    import dataclasses

    import slimtune.export.config
    import slimtune.sweeper.search_config
    from slimtune.training.config import data, fit, method, model, task, tracking

    for module in (data, fit, method, model, task, tracking, slimtune.sweeper.search_config, slimtune.export.config):
        for item in vars(module).values():
            if dataclasses.is_dataclass(item):
                assert all(field.default is dataclasses.MISSING for field in dataclasses.fields(item)), item
