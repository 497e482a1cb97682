"""The page's scripts and styles: plotly's own, packed, so that the page needs no network."""

import base64
import json
import lzma
from collections.abc import Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from slimtune.sweeper.report_page.figures.figure import Figure, compact

ASSETS = Path(__file__).parent / "assets"
# of base 85, those that mean something in HTML, and what stands for them
IN_HTML = str.maketrans({"<": ",", "&": ".", ">": ":"})
PLOTLY = "plotly"
# what a sign is goes by the signs before it, and not by its place; preset 6 takes 0.17 MB less and three times as long
TEXT = {"id": lzma.FILTER_LZMA1, "preset": 2, "pb": 0}


@lru_cache(maxsize=1)
def packed_plotly() -> str:
    """Plotly's script as an element of the page.

    Raises:
        ModuleNotFoundError: Plotly is not installed.
    """
    spec = find_spec(PLOTLY)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("No module named 'plotly'", name=PLOTLY)
    # its package is not imported: the file alone is wanted, and the import takes as long as the page
    source = Path(spec.submodule_search_locations[0], "package_data", "plotly.min.js").read_bytes()
    return packed("plotly-packed", source)


def packed(name: str, content: bytes) -> str:
    """An element that holds bytes: LZMA, in an alphabet of 85 signs that HTML lets stand.

    Plotly's script takes 1.6 MB so; gzip, which browsers unpack themselves, in base 64 would take 2 MB.
    """
    small = lzma.compress(content, lzma.FORMAT_ALONE, filters=[TEXT])
    text = base64.b85encode(small, pad=True).decode().translate(IN_HTML)
    return f'<script type="text/plain" id="{name}" data-size="{len(content)}">{text}</script>'


def packed_figures(figures: Sequence[Figure]) -> str:
    """The figures' data as an element of the page."""
    plain = [{"name": one.name, "data": compact(list(one.data)), "layout": compact(one.layout)} for one in figures]
    return packed("figures-packed", json.dumps(plain, separators=(",", ":")).encode())


def page_script() -> str:
    """What unpacks and draws the figures, sorts tables and turns the colours."""
    return "".join((ASSETS / name).read_text(encoding="utf-8") for name in ("unpack.js", "page.js"))


def page_style() -> str:
    """The page's looks."""
    return (ASSETS / "page.css").read_text(encoding="utf-8")
