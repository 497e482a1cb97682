"""A version whose files somebody deleted."""

import shutil
from pathlib import Path

import pytest

from slimtune.export.registry.mlflow_registry import DIGEST, FilesGone, RegisteredVersion, fetch_folder, registered_as
from slimtune.export.registry.version_facts import digest_of
from slimtune.training.tracking.mlflow_runs import client_of
from tests.export.promotion.test_gate import make


@pytest.mark.parametrize("is_empty", [True, False])
def test_a_model_whose_versions_files_are_gone_is_registered_again(tmp_path: Path, *, is_empty: bool) -> None:
    """As the message says, by the command that it names: the version that is left does not count as the model's."""
    uri, files, model = f"sqlite:///{tmp_path / 'mlflow.db'}", tmp_path / "files", make(0.5)
    files.mkdir()
    (files / "model.onnx").write_text("x")
    client_of(uri).create_registered_model("it's")
    client_of(uri).create_model_version("it's", source=files.as_uri(), tags={DIGEST: digest_of(model)})
    assert registered_as(uri, model, "it's") == RegisteredVersion("it's", "1")
    shutil.rmtree(files)
    if is_empty:
        files.mkdir()
    assert registered_as(uri, model, "it's") is None
    with pytest.raises(FilesGone) as told:
        fetch_folder(uri, "models:/it's/1")
    assert str(told.value).startswith("the files of models:/it's/1 are gone")
    assert str(told.value).endswith("""register the model again: slimtune register <folder> --name 'it'"'"'s'""")
