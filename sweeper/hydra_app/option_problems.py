"""Options that a config group does not have."""

from collections.abc import Mapping, Sequence
from pathlib import PurePath

from hydra.core.override_parser.types import Override

from slimtune.sweeper.config_file import caller
from slimtune.training.config.schema import option_suggestion

# groups whose name people take for that of a key, and what names a file or a model
NAMED_BY: Mapping[str, tuple[str, str]] = {
    "data": ("data=file ", "data.train_file"),
    "space": ("space=file ", "space.path"),
    "model": ("", "model.name_or_path"),
}


def option_problems(item: Override, options: Sequence[str]) -> list[str]:
    """What is wrong with the choice of an option, or of several; a sweep over options is looked at elsewhere.

    Args:
        item: Its key is a config group.
        options: Those of the group.
    """
    if item.is_sweep_override() or item.is_delete():
        return []
    value = item.value()
    if isinstance(value, Mapping):
        return []
    wrong = [str(one) for one in (value if isinstance(value, list) else [value]) if one not in options]
    return [_problem(item.key_or_group, one, options) for one in wrong]


def _problem(group: str, name: str, options: Sequence[str]) -> str:
    asked = option_suggestion(name, options)
    is_path = "." in name or "/" in name
    if group in NAMED_BY and (is_path or (group == "model" and "did you mean" not in asked)):
        first, key = NAMED_BY[group]
        asked += f"; to name one of your own, write {first}{key}={name}"
    if group == "experiment" and name.endswith((".yaml", ".yml")):
        path = PurePath(name)
        # such a file may choose options that lie beside it
        is_in_folder = path.parent.name == group
        folder = caller().with_folder(path.parent.parent)
        given = f"{folder} {group}={path.stem}" if is_in_folder else caller().with_file(path)
        asked += f"; for a file of your own, write {given}"
    return f"{group}={name} is not an option; {asked}"
