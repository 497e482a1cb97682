"""Rows of Parquet and Arrow files."""

import contextlib
import gzip
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from slimtune.training.data.readers.class_labels import class_names_in, with_names
from slimtune.training.data.readers.lines import opened_bytes
from slimtune.training.data.readers.options import ReadOptions
from slimtune.training.data.readers.row import Row
from slimtune.training.errors import DataError

# rows of a Parquet batch; few, because a row may be a whole document
PARQUET_ROWS = 1024
# read ahead in a Parquet column; else pyarrow reads whole column chunks, and one may be the file
BUFFER_BYTES = 1 << 20


def parquet_rows(path: Path, _: ReadOptions) -> Iterator[Row]:
    """The rows of a Parquet file; class labels as `datasets` stores them come as their names.

    Raises:
        DataError: It is none, or two columns have one name.
    """
    import pyarrow
    import pyarrow.parquet

    with _seekable(path) as source:
        try:
            with pyarrow.parquet.ParquetFile(source, buffer_size=BUFFER_BYTES, pre_buffer=False) as table:
                yield from _rows(table.iter_batches(batch_size=PARQUET_ROWS), table.schema_arrow, path)
        except (pyarrow.ArrowException, OSError) as error:
            raise DataError(f"{path}: not a Parquet file ({str(error).splitlines()[0]}); write it anew") from None


def arrow_rows(path: Path, _: ReadOptions) -> Iterator[Row]:
    """As `parquet_rows`, of an Arrow file: the stream that `datasets` writes, or the format with a footer.

    Raises:
        DataError: It is none, or two columns have one name.
    """
    import pyarrow

    with _seekable(path) as source:
        try:
            yield from _of_arrow(source, path)
        except (pyarrow.ArrowException, OSError) as error:
            raise DataError(f"{path}: not an Arrow file ({str(error).splitlines()[0]}); write it anew") from None


def _of_arrow(source: IO[bytes], path: Path) -> Iterator[Row]:
    import pyarrow

    try:
        table = pyarrow.ipc.open_stream(source)
    except pyarrow.ArrowInvalid:
        source.seek(0)
        table = pyarrow.ipc.open_file(source)
        yield from _rows(map(table.get_batch, range(table.num_record_batches)), table.schema, path)
        return
    yield from _rows(table, table.schema, path)


def _rows(batches: Any, schema: Any, path: Path) -> Iterator[Row]:
    names = list(schema.names)
    for name in names:
        if names.count(name) > 1:
            raise DataError(f"{path}: two columns have the name '{name}'; rename one")
    labels = class_names_in(schema.metadata)
    for batch in batches:
        # not kept beside the next one
        yield from with_names(batch.to_pylist(), labels) if labels else batch.to_pylist()


@contextlib.contextmanager
def _seekable(path: Path) -> Iterator[IO[bytes]]:
    """Parquet is read from its end: a gzipped file is first decompressed to disk."""
    with opened_bytes(path) as source:
        if not isinstance(source, gzip.GzipFile):
            yield source
            return
        with tempfile.TemporaryFile() as plain:
            shutil.copyfileobj(source, plain)
            plain.seek(0)
            yield plain
