"""What a job sees is what Hydra would have composed for it."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hydra._internal.hydra import Hydra
from hydra._internal.utils import create_config_search_path
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from slimtune.sweeper.search.trials.job_configs import JobConfigs

APP = """
defaults: [_self_, db: mysql]
x: 1
y: ${x}
at: ${now:%f}
nested: {deep: [1, 2], text: a}
hydra: {job: {config: {override_dirname: {exclude_keys: [y]}}}}
"""


@pytest.fixture
def config_and_jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[DictConfig, JobConfigs]:
    monkeypatch.setattr(GlobalHydra.instance(), "hydra", None)
    (tmp_path / "db").mkdir()
    (tmp_path / "app.yaml").write_text(APP)
    (tmp_path / "db" / "mysql.yaml").write_text("port: 3\nhost: ${y}\n")
    (tmp_path / "db" / "postgresql.yaml").write_text("port: 5\nhost: ${x}\n")
    hydra = Hydra.create_main_hydra2("app", create_config_search_path(str(tmp_path)))
    config = hydra.compose_config("app", ["hydra.verbose=false"], run_mode=RunMode.MULTIRUN)
    return config, JobConfigs(hydra.config_loader, config)


@pytest.mark.parametrize(
    ("common", "values"),
    [
        ([], ["++x=3"]),
        (["db=postgresql"], ["++x=3", "++db.port=7", "++new.deep=0.5"]),
        (["db=postgresql", "+z=1"], ["++x=null", "++y='a b'", "++z=[1,2]", "++nested.deep=[3]"]),
        (["x=1"], ["++hydra.job.name=other"]),
        (["x=1", "++nested.text=b"], []),
    ],
)
def test_a_copy_is_what_hydra_composes(
    config_and_jobs: tuple[DictConfig, JobConfigs], common: Sequence[str], values: Sequence[str]
) -> None:
    """Its own part, and all that Hydra says of the job; one trial leaves nothing to the next."""
    config, jobs = config_and_jobs
    at = config.at
    anew = jobs.anew([*common, *values])
    jobs.with_values(common, ["++x=-1", "++only_here=1"])
    copied = jobs.with_values(common, values)
    assert OmegaConf.to_yaml(copied) == OmegaConf.to_yaml(anew)
    assert copied.db.host == anew.db.host
    assert copied.at == anew.at == at, "times are the sweep's"
    for flag in ("struct", "readonly"):
        assert [copied._get_flag(flag), copied.hydra._get_flag(flag)] == [
            anew._get_flag(flag),
            anew.hydra._get_flag(flag),
        ]
