"""A whole table as one JSON value, as pandas and others write it: told by its shape, with the way to rows."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from slimtune.training.errors import DataError

# keys under which a file holds its rows beside facts about them
WRAPPERS = ("data", "rows", "examples", "records", "instances", "items", "train")
ROWS = "to_json('rows.jsonl', orient='records', lines=True)"


def check_holds_no_rows(value: Mapping[str, Any], path: Path) -> None:
    """One object is one row, unless it holds the rows of the file.

    Raises:
        DataError: It does; the message says in which shape.
    """
    for key in WRAPPERS:
        inner = value.get(key)
        if _all_are(inner, Mapping):
            raise DataError(f"{path}: the rows seem to be the list in '{key}'; save that list alone")
        if isinstance(inner, Mapping) and _is_of_columns(inner):
            raise DataError(f"{path}: the columns of a table seem to be in '{key}'; {_saved(path, 'columns', key)}")
    if isinstance(value.get("columns"), list) and _all_are(value.get("data"), list):
        _refuse(path, "one object with 'columns' and 'data', as pandas writes by orient='split'", "split")
    if _is_of_columns(value):
        _refuse(path, "one object with a list for each column", "columns")
    inner_objects = [inner for inner in value.values() if isinstance(inner, Mapping)]
    if len(inner_objects) < len(value) or not inner_objects or not inner_objects[0]:
        return
    keys = {tuple(inner) for inner in inner_objects}
    if len(keys) > 1:
        return
    if _are_numbers(inner_objects[0]):
        _refuse(path, "one object with an object for each column, as pandas writes by itself", "columns")
    if _are_numbers(value):
        _refuse(path, "one object with an object for each row, as pandas writes by orient='index'", "index")
    if len(value) > 1:
        what = "one object of objects, as pandas writes columns by itself, and rows by orient='index'"
        raise DataError(f"{path}: {what}; write an array of rows, in pandas by orient='records'")


def check_is_no_table(values: Sequence[Any], path: Path) -> None:
    """Rows are no lists of cells, which nothing names.

    Raises:
        DataError: All are.
    """
    if _all_are(values, list):
        repair = f"name them: pandas.DataFrame(rows, columns=['text', 'label']).{ROWS}"
        raise DataError(f"{path}: rows are lists of cells, and nothing says which column each is; {repair}")


def _refuse(path: Path, what: str, orient: str) -> NoReturn:
    raise DataError(f"{path}: {what}, where an array of rows belongs, or a row a line; {_saved(path, orient)}")


def _saved(path: Path, orient: str, key: str | None = None) -> str:
    """How pandas makes rows of it."""
    if key is not None:
        inner = f"pandas.read_json({str(path)!r}, typ='series')[{key!r}]"
        return f"write its rows, in Python: pandas.DataFrame({inner}).{ROWS}"
    # else pandas would make numbers of texts that look so
    given = f"{str(path)!r}, orient={orient!r}, dtype=False"
    return f"write its rows, in Python: pandas.read_json({given}).{ROWS}"


def _are_numbers(names: Iterable[str]) -> bool:
    return all(name.isdigit() for name in names)


def _all_are(value: Any, kind: type) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, kind) for one in value)


def _is_of_columns(value: Mapping[str, Any]) -> bool:
    """Whether an object has a list of cells for each column; words and tags of one row are lists too, but no texts."""
    columns = list(value.values())
    if not columns or not all(isinstance(column, list) for column in columns):
        return False
    cells = [cell for column in columns for cell in column]
    if len({len(column) for column in columns}) > 1 or any(isinstance(cell, Mapping) for cell in cells):
        return False
    return any(isinstance(cell, str) and " " in cell.strip() for cell in cells)
