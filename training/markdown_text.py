"""Texts of others inside Markdown: labels, reasons, messages of errors."""

ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "&#124;"}
# each means something only where it has no backslash before it
MARKS = r"\[]!`"
_TABLE = str.maketrans({**ENTITIES, **{mark: f"\\{mark}" for mark in MARKS}})


def markdown_text(text: str) -> str:
    r"""One line in which Markdown and HTML mean nothing: no cell of a table, picture, link, code or tag.

    Args:
        text: Whatever anybody wrote; blanks and line ends become one blank each.

    Example:
        >>> markdown_text("![a | b](http://x)\n<img>")
        '\\!\\[a &#124; b\\](http://x) &lt;img&gt;'
    """
    return " ".join(str(text).split()).translate(_TABLE)
