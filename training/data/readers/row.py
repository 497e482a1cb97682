"""What every source gives."""

import reprlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from slimtune.training.config.near_names import nearest_name
from slimtune.training.errors import DataError, NoColumn
from slimtune.training.listed_names import with_commas

Row = dict[str, Any]

# of the column beside that of a class label of `datasets`: its ids, and the one of rows that have none
ID_ENDING, NO_LABEL = "_id", -1
# what columns of tables are called that have no name, with their place
NAMELESS = "unnamed "

# keys of the config's section `data` that name what a task reads
COLUMN_KEYS = ("text_column", "text_pair_column", "target_column", "label_column", "group_column")

# the key whose text names columns, of which a cell may be null
TEMPLATE_KEY = "data.text_template"
# the same of a model that is there already
MODEL_TEMPLATE_KEY = "data.text_template of the model"

# columns of the rows of a .txt, whatever stands in it
OF_TEXT_FILES = ["text", "file"]
NO_TABLE = "; a .txt is read as plain text: call a table .csv or .tsv"


class LocatedRow(NamedTuple):
    """A row, and what to call it in an error: the file that it stands in, and its number there."""

    row: Row
    where: str


class RowOfLine(NamedTuple):
    """A row of a file of lines, and the line that it begins in."""

    row: Row
    line: int


def numbered(number: int, line: int | None) -> str:
    """What a row is called in its file, with the line that an editor shows where that has another number.

    Example:
        >>> numbered(31, 32), numbered(31, None)
        ('row 31 (line 32)', 'row 31')
    """
    return f"row {number}" if line in (None, number) else f"row {number} (line {line})"


def file_in(where: str) -> str:
    """The file in what a row is called; nothing of a row that was given in Python.

    Example:
        >>> file_in("a.csv, row 31 (line 32)"), file_in("row 31")
        ('a.csv', '')
    """
    return where.rpartition(", ")[0]


def located_in_python(rows: Iterable[Mapping[str, Any]], *, form: str) -> list[LocatedRow]:
    """Rows that are given in Python, each with what an error calls it.

    Args:
        rows: As they were given, of whatever kind.
        form: How they are to be given.

    Raises:
        DataError: They are no rows.

    Example:
        >>> located_in_python([{"text": "a"}], form="give a list with a dict for each")
        [LocatedRow(row={'text': 'a'}, where='row 1')]
    """
    if hasattr(rows, "columns") and hasattr(rows, "to_dict"):
        raise DataError("the rows are a table; give them as a list of dicts (of pandas: table.to_dict('records'))")
    if isinstance(rows, str | bytes | Mapping) or not isinstance(rows, Iterable):
        raise DataError(f"rows are asked for, not {reprlib.repr(rows)}; {form}")
    given = list(rows)
    for number, row in enumerate(given, start=1):
        if not isinstance(row, Mapping):
            raise DataError(f"row {number} is {reprlib.repr(row)}, which is no dict; {form}")
    return [LocatedRow(dict(row), f"row {number}") for number, row in enumerate(given, start=1)]


def no_column(column: str, row: Mapping[str, Any], *, key: str, where: str, usual: str | None = None) -> NoColumn:
    """Says which column a row lacks, which ones it has, and which of them was meant.

    Args:
        column: That it lacks.
        row: As it was read.
        key: What names the column.
        where: What an error calls the row.
        usual: The column that is read where a row lacks that of training, which `column` is then; it lacks both.
    """
    known = [str(name) for name in row]
    inside = next(
        (f"{name}.{column}" for name, cell in row.items() if isinstance(cell, Mapping) and column in cell), None
    )
    near = inside or nearest_name(column, known) or (nearest_name(usual, known) if usual is not None else None)
    hint = f"; did you mean '{near}'?" if near else _no_name_fits(known)
    hint = _empty_list(column, row) or (NO_TABLE if known == OF_TEXT_FILES else hint or _named_by(key))
    shown = [f"'{name}'" if name != name.strip() else name for name in known]
    lacking = f"'{column}'" if usual is None else f"'{column}', by which the model was trained, and no '{usual}'"
    named = f"data.{key}" if key in COLUMN_KEYS else key
    return NoColumn(
        f"{where}: no column {lacking} ({named}); the row has {with_commas(shown) or 'no columns'}{hint}", column
    )


def _named_by(key: str) -> str:
    """How a column is named that is called otherwise, if a key of the section `data` names it."""
    if key == TEMPLATE_KEY:
        return "; correct the template, or give rows that have none a null there"
    if key == MODEL_TEMPLATE_KEY:
        return "; give the rows that column, for the model was trained with it; null is taken there"
    if key not in COLUMN_KEYS:
        return ""
    return f"; name yours with data.{key}=..., or let `slimtune init --data <your rows>` write a config for them"


def _empty_list(column: str, row: Mapping[str, Any]) -> str:
    """Of a dotted path, the list that it goes through and that is empty in this row."""
    cell: Any = row
    parts = column.split(".")
    for place, part in enumerate(parts):
        if isinstance(cell, list) and not cell:
            return f"; its list '{'.'.join(parts[:place])}' is empty: leave the row out, or fill it in"
        if isinstance(cell, Mapping):
            cell = cell.get(part)
        elif isinstance(cell, list) and part.isdigit() and int(part) < len(cell):
            cell = cell[int(part)]
        else:
            return ""
    return ""


def _no_name_fits(known: Sequence[str]) -> str:
    """What may be wrong with the names themselves."""
    if any(name.startswith(NAMELESS) for name in known):
        return f"; '{NAMELESS}...' are columns without a name, by their place: name them in the first line of the file"
    if any(" " in name.strip() or name.replace(".", "", 1).isdigit() for name in known):
        return "; if these are cells of a row, the file has no header: put the names of its columns first"
    return ""
