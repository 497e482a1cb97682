"""The type of the config's section `data`. Values live in `conf/data/`; nothing here has a default."""

import re
from dataclasses import dataclass, field, replace
from typing import Any

from slimtune.training.config.schema import Parsed, above_zero, parse_section, seed, share
from slimtune.training.config.template import template_problem

# the split of a hub's data set that stands for a file, or says which rows of files
SPLITS = {"train_file": "train_split", "validation_file": "eval_split", "test_file": "test_split"}
# of files, as `datasets` calls their rows: all of them, or those from one place to another
ROWS_OF_FILES = re.compile(r"(?P<split>train|validation|test)(\[(?P<begin>-?\d+%?)?:(?P<end>-?\d+%?)?\])?")


@dataclass(slots=True, kw_only=True)
class DataConfig:
    """Where the rows are, which columns count, and how they are split.

    Attributes:
    name: Names the data set in the tracker.
    dataset: A data set on the hub, `<owner>/<name>`; null reads the files below.
    dataset_config: Which of its configs; null where it has one only.
    train_split: Its training rows, e.g. `train` or `train[:4096]`; without a data set those of `train_file`, which are
        called `train` there, and null is all of them.
    eval_split: Its validation rows; null splits them off the training rows. Without a data set rows of `train_file`,
        e.g. `train[4096:4224]`, or of `validation_file`, e.g. `validation[:10%]`.
    test_split: Its test rows, in the same forms.
    train_file: A file, a folder, a pattern such as `rows/*.jsonl`, a list of them, `hub:<name>@<split>`,
        `python:<what>` or `package:<module>/<file>`.
    validation_file: Same form; null splits it off the training rows.
    test_file: Same form; null splits it off the training rows.
    reader: Dotted path of a function that yields rows for such a name; null takes our readers.
    encoding: Of text files, e.g. cp1252; null is UTF-8, or what a byte order mark says.
    text_column: Column of the input text, or a path into an object or a list, e.g. `text.title`.
    text_pair_column: Column of a second text; null where there is none.
    label_column: Column of the label, of the labels, or of the spans.
    target_column: Column of the text to be generated.
    text_template: Prompt and answer as one text with `{column}` fields, the target's the last of them; null takes the
        two columns as they are, or the `messages` of a chat.
    group_column: Rows with the same value here stay on one side of a split; null keeps no groups.
    group_inputs: Whether rows with the same input do so too, where they have different targets.
    drop_leaks: Leave training rows out that are nearly the same as a held-out row; those that are the same always go.
    near_duplicates: Whether rows that are nearly the same are looked for: training rows that are nearly a held-out row,
        and those with another label than such a row. It takes most of the time of a preparation of many rows.
    baselines: Whether simple models learn from the rows, so that the report tells what must be beaten.
    validation_share: Share of the training rows that validates, with the class distribution kept.
    validation_rows: Validation rows that a trial of the search is scored on, a fixed sample that keeps the classes;
        null takes all. Reruns of finalists take all of them, and then they alone decide.
    test_share: Share of the training rows held out for the winner's one test reading.
    seed: Fixes the split.
    max_length: Longest input in tokens; longer ones are cut.
    cache_dir: Folder of encoded data; `~` is the home folder.
    """

    name: str
    dataset: str | None
    dataset_config: str | None
    train_split: str | None
    eval_split: str | None
    test_split: str | None
    train_file: Any
    validation_file: Any
    test_file: Any
    reader: str | None
    encoding: str | None
    text_column: str
    text_pair_column: str | None
    label_column: str
    target_column: str
    text_template: str | None
    group_column: str | None
    group_inputs: bool
    drop_leaks: bool
    near_duplicates: bool
    baselines: bool
    validation_share: float = field(metadata=share(0.15))
    validation_rows: int | None = field(metadata=above_zero(2000))
    test_share: float = field(metadata=share(0.15))
    seed: int = field(metadata=seed())
    max_length: int = field(metadata=above_zero(128))
    cache_dir: str


def parse_data(values: object) -> Parsed[DataConfig]:
    """A `DataConfig` whose files are names that a reader takes, or every problem in it."""
    parsed = parse_section(DataConfig, values, "data")
    if parsed.problems:
        return parsed
    data = parsed.section
    problems = _hub_problems(data)
    if not problems:
        data = _with_hub_names(data)
        problems = [*_share_problems(data), *_file_problems(data), *_template_problems(data), *_encoding_problems(data)]
    return Parsed(None if problems else data, problems)


def _hub_problems(data: DataConfig) -> list[str]:
    if data.dataset is None:
        own = data.dataset_config
        problems = [] if own is None else [f"data.dataset_config is {own!r}, but data.dataset is null; use data=hub"]
        return [*problems, *(text for file, key in SPLITS.items() for text in _slice_problems(data, file, key))]
    problems = [
        f"data.{key} is {getattr(data, key)!r}, but the rows are those of data.dataset; use data.{split}, or drop one"
        for key, split in SPLITS.items()
        if getattr(data, key) is not None
    ]
    if data.train_split is None:
        problems.append("data.train_split is null; name the training rows of data.dataset, e.g. train")
    return problems


def _slice_problems(data: DataConfig, file: str, key: str) -> list[str]:
    """What is wrong with a split of files."""
    said, split = f"data.{key} is {getattr(data, key)!r}", getattr(data, key)
    if split is None:
        return []
    form = ROWS_OF_FILES.fullmatch(split)
    if form is None:
        example = "train[:400]" if key == "train_split" else "train[400:480]"
        return [f"{said}, but data.dataset is null; use data=hub, or rows of the files, e.g. {example}"]
    if key == "train_split" and form["split"] != "train":
        return [f"{said}; training rows are those of data.train_file, e.g. train[:400]"]
    asked = f"{form['split']}_file"
    if getattr(data, asked) is None:
        return [f"{said}, but data.{asked} is null; name it, or use e.g. train[400:480]"]
    if file != asked and getattr(data, file) is not None:
        return [f"{said}, but data.{file} is {getattr(data, file)!r}; drop one"]
    return []


def _with_hub_names(data: DataConfig) -> DataConfig:
    """The names that a reader takes: splits of a hub, and files that splits say rows of."""
    if data.dataset is None:
        splits = {key: getattr(data, split) for key, split in SPLITS.items()}
        forms = {key: ROWS_OF_FILES.fullmatch(split) for key, split in splits.items() if split is not None}
        return replace(data, **{key: getattr(data, f"{form['split']}_file") for key, form in forms.items() if form})
    name = f"hub:{data.dataset}" + (f":{data.dataset_config}" if data.dataset_config else "")
    chosen = {key: getattr(data, split) for key, split in SPLITS.items()}
    files: dict[str, Any] = {key: f"{name}@{split}" for key, split in chosen.items() if split is not None}
    return replace(data, **files)


def _share_problems(data: DataConfig) -> list[str]:
    problems = []
    held_out = (0 if data.validation_file else data.validation_share) + (0 if data.test_file else data.test_share)
    if held_out >= 1:
        problems.append(
            f"data.validation_share + data.test_share is {held_out:g}; leave rows to train on, e.g. 0.15 each"
        )
    if not data.validation_file and data.validation_share == 0:
        problems.append("data.validation_share is 0 and data.validation_file is null; set one of them")
    return problems


def _file_problems(data: DataConfig) -> list[str]:
    problems = []
    for key in ("train_file", "validation_file", "test_file"):
        value = getattr(data, key)
        names = value if isinstance(value, list) else [value]
        if (value is None and key == "train_file") or not all(isinstance(name, str) or name is None for name in names):
            problems.append(f"data.{key} is {value!r}; use a file, a folder, or a list of them")
    return problems


def _template_problems(data: DataConfig) -> list[str]:
    template = data.text_template
    if template is None:
        return []
    problem = template_problem(template, text_column=data.text_column, target_column=data.target_column)
    return [] if problem is None else [f"data.text_template {problem}"]


def _encoding_problems(data: DataConfig) -> list[str]:
    if data.encoding is None:
        return []
    try:
        "".encode(data.encoding)
    except (LookupError, ValueError):
        return [f"data.encoding is {data.encoding!r}, which Python does not know; use e.g. utf-16, cp1252 or gb18030"]
    return []
