"""What is packed into the page, and how."""

import base64
import json
import lzma
import re

from slimtune.sweeper.report_page.figures.figure import Figure, compact
from slimtune.sweeper.report_page.script import ASSETS, IN_HTML, packed, packed_figures, packed_plotly


def unpacked(element: str) -> bytes:
    """As the page's script does it."""
    text = re.sub("<.*?>", "", element)
    back = {ord(str(stands)): chr(sign) for sign, stands in IN_HTML.items()}
    return lzma.LZMADecompressor(lzma.FORMAT_ALONE).decompress(base64.b85decode(text.translate(back)))


def test_bytes_come_back() -> None:
    """Whatever they are, and none of their signs means anything in HTML."""
    content = bytes(range(256)) * 9
    element = packed("name", content)
    assert unpacked(element) == content
    assert re.fullmatch(r'<script type="text/plain" id="name" data-size="2304">[^<>&]*</script>', element)


def test_the_alphabet_is_that_of_the_script() -> None:
    """One text in two languages."""
    signs = re.search(r"const signs = '(.*?)'", (ASSETS / "unpack.js").read_text(encoding="utf-8"))
    ours = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~"
    assert signs is not None
    assert signs[1] == ours.translate(IN_HTML)


def test_plotly_is_whole() -> None:
    """And leaves room in two megabytes."""
    element = packed_plotly()
    assert b"plotly.js v" in unpacked(element)[:200]
    assert len(element) < 1_600_000


def test_numbers_of_figures_are_short() -> None:
    """And what JSON has no number for is null."""
    figure = Figure("f", "t", "w", [{"x": [0.123456789, float("nan"), 10**6]}], {"a": (1, "b")})
    (plain,) = json.loads(unpacked(packed_figures([figure])))
    assert plain["data"] == [{"x": [0.12346, None, 1000000]}]
    assert compact({"a": [float("inf")]}) == {"a": [None]}
