"""Every file under conf/ composes and passes the typed checks."""

from pathlib import Path

import pytest
from hydra import compose, initialize_config_module

import conf
from sweeper.checks import problems_of
from sweeper.composed import plain
from sweeper.space import read_space

FOLDER = Path(str(conf.__file__)).parent
OPTIONS = sorted(
    f"{path.parent.relative_to(FOLDER)}={path.stem}"
    for path in FOLDER.rglob("*.yaml")
    if path.parent != FOLDER and path.relative_to(FOLDER).parts[0] != "hydra"
)


@pytest.mark.parametrize("option", OPTIONS)
def test_every_option_composes_and_is_valid(option: str) -> None:
    with initialize_config_module("conf", version_base="1.3"):
        # only classification has a graph to export; an experiment says so itself
        more = [] if option.startswith(("export=", "experiment=")) else ["export=none"]
        if option.startswith("model=tiny"):
            more.append("method=full")
        if option == "task=custom":
            more.append("task.name=examples.custom.regression.Regression")
        rows = "data.dataset=org/tones" if option == "data=hub" else "data.train_file=rows.jsonl"
        values = plain(compose("config", overrides=[option, rows, *more]))
    assert problems_of(values) == []
    assert read_space(values["space"]).problems == []


def test_there_is_one_place_for_a_default() -> None:
    """Dataclasses hold types, YAML holds values: no field has a default."""
    import dataclasses

    import export.config
    import sweeper.config
    import training.config

    for module in (training.config, sweeper.config, export.config):
        for item in vars(module).values():
            if dataclasses.is_dataclass(item):
                assert all(field.default is dataclasses.MISSING for field in dataclasses.fields(item)), item
