import json
import re
from pathlib import Path
from typing import Any

import datasets
import pytest

from slimtune.training.config.trial import parse_trial
from slimtune.training.data.readers.reader import count_rows, read_rows
from slimtune.training.errors import DataError
from slimtune.training.tasks.rows import read_splits


class FakeHub:
    """Stands for `datasets.load_dataset`: loads a local folder with the real one, and keeps what it was asked."""

    def __init__(self, folder: Path, cache: Path) -> None:
        self.folder, self.cache = folder, cache
        self.asked: list[tuple[Any, ...]] = []
        self._load = datasets.load_dataset

    def __call__(self, repository: str, config: str | None, **options: Any) -> Any:
        self.asked.append((repository, config, options))
        return self._load(str(self.folder), config, cache_dir=str(self.cache), **options)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeHub:
    """A hub that has one data set: ten rows in the split `train` of the config `short`, two in that of `long`."""
    folder = tmp_path / "repository"
    folder.mkdir()
    for config, num_rows in {"short": 10, "long": 2}.items():
        rows = [json.dumps({"text": f"{config} {number}", "label": number % 2}) for number in range(num_rows)]
        (folder / f"{config}.jsonl").write_text("\n".join(rows))
    listed = [f"- config_name: {config}\n  data_files: {config}.jsonl\n" for config in ("short", "long")]
    (folder / "README.md").write_text("---\nconfigs:\n" + "".join(listed) + "---\n")
    fake = FakeHub(folder, tmp_path / "cache")
    monkeypatch.setattr(datasets, "load_dataset", fake)
    return fake


def test_a_hub_name_is_a_split_of_a_config(hub: FakeHub) -> None:
    """Owner, name, config and split arrive at `datasets`; code of the repository is refused, no token is given."""
    assert read_rows("hub:org/to-nes_1.0:short@train[:3]") == [
        {"text": "short 0", "label": 0},
        {"text": "short 1", "label": 1},
        {"text": "short 2", "label": 0},
    ]
    assert hub.asked == [("org/to-nes_1.0", "short", {"split": "train[:3]", "trust_remote_code": False})]
    assert count_rows(["hub:org/tones:short@train", "hub:org/tones:long@train[50%:]"]) == 11


def test_slices_of_a_split_are_trained_and_validated_on(hub: FakeHub, config_of: Any) -> None:
    """`data=hub` with the splits as `datasets` writes them."""
    given = ["data=hub", "data.dataset=org/tones", "data.dataset_config=short", "data.train_file=null"]
    slices = ["data.train_split='train[:6]'", "data.eval_split='train[6:8]'", "data.test_split='train[8:]'"]
    splits = read_splits(parse_trial(config_of(*given, *slices, "data.drop_leaks=false")).section)
    texts = [[example.text for example in part] for part in splits.named().values()]
    assert texts == [[f"short {number}" for number in rows] for rows in (range(6), range(6, 8), range(8, 10))]


def test_class_labels_come_as_their_names(hub: FakeHub) -> None:
    """Single ones and lists, as sets for classification and for extraction have them, beside their ids; -1 is none."""
    kinds = datasets.ClassLabel(names=["dry", "warm"])
    features = datasets.Features({"text": datasets.Value("string"), "label": kinds, "tags": datasets.List(kinds)})
    rows = {"text": ["a", "b"], "label": [1, -1], "tags": [[0, 1], []]}
    datasets.Dataset.from_dict(rows, features=features).to_parquet(hub.folder / "named.parquet")
    (hub.folder / "README.md").write_text("---\nconfigs:\n- config_name: named\n  data_files: named.parquet\n---\n")
    assert read_rows("hub:org/tones:named@train") == [
        {"text": "a", "label": "warm", "label_id": 1, "tags": ["dry", "warm"], "tags_id": [0, 1]},
        {"text": "b", "label": None, "label_id": -1, "tags": [], "tags_id": []},
    ]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("hub:org/tones:short@test", r"Unknown split.*train.*; use a config and a split that it has"),
        ("hub:org/tones:short@train[:x]", "use a config and a split that it has"),
        ("hub:org/tones@train", "Config name is missing"),
        ("hub:org/tones:loud@train", r"'loud' not found.*; use a config"),
    ],
)
def test_what_a_hub_data_set_has_not_is_named(hub: FakeHub, name: str, message: str) -> None:
    with pytest.raises(DataError, match=f"^{re.escape(name)}: cannot be loaded .*{message}") as caught:
        read_rows(name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "name",
    ["hub:org/tones", "hub:tones@train", "hub:csv@train", "hub:buckets/a/b@train", "hub:../x@train", "hub:a/b@"],
)
def test_a_hub_name_has_one_form(hub: FakeHub, name: str) -> None:
    with pytest.raises(DataError, match=f"^{re.escape(name)}: not a hub name; use hub:<owner>/<name>"):
        read_rows(name)
    assert hub.asked == []


def test_a_hub_that_is_not_reached_is_an_error() -> None:
    """With the real `datasets`, offline as all tests are, and a data set that no cache has."""
    with pytest.raises(DataError, match=r"^hub:org/absent-0@train: cannot be loaded .*; go online once"):
        read_rows("hub:org/absent-0@train")


def test_a_local_folder_is_not_read_in_the_place_of_a_hub_name(
    hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "org" / "tones").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="there is a local 'org/tones' too"):
        read_rows("hub:org/tones:short@train")
    assert hub.asked == []


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (datasets.exceptions.DatasetNotFoundError("Dataset 'a/b' is a gated dataset on the Hub."), "hf auth login"),
        (
            RuntimeError("Dataset scripts are no longer supported, but found b.py"),
            "code that comes with data is not run",
        ),
        (KeyError("Illegal header value b'Bearer hf_aBcDeFgHiJkLmNoPqRsT'"), "hf_[*]{3}.*load it by hand"),
    ],
)
def test_an_error_of_the_hub_is_one_sentence_with_a_repair(
    monkeypatch: pytest.MonkeyPatch, error: Exception, message: str
) -> None:
    """Of whatever type it is; a token in it is not shown."""

    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(datasets, "load_dataset", fail)
    with pytest.raises(DataError, match=f"^hub:a/b@train: cannot be loaded .*{message}") as caught:
        read_rows("hub:a/b@train")
    assert "hf_aBc" not in str(caught.value)
    assert "\n" not in str(caught.value)
