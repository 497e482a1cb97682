"""What the docstring of a section says of each of its keys."""

import inspect
import re
from collections.abc import Iterator

# the paragraph of Google's style; in some sections the names stand as far in as its head
HEAD = "Attributes:"


def attribute_texts(kind: type) -> dict[str, str]:
    """The sentences for each attribute, on one line; those of a base class hold where the class says nothing."""
    texts: dict[str, str] = {}
    for one in reversed(kind.__mro__):
        texts |= dict(_said(one.__dict__.get("__doc__") or ""))
    return texts


def introduction(kind: type) -> str:
    """The docstring before its attributes, paragraphs with a blank line between."""
    paragraphs = inspect.cleandoc(kind.__doc__ or "").split(HEAD)[0].strip().split("\n\n")
    return "\n\n".join(" ".join(one.split()) for one in paragraphs)


def _said(docstring: str) -> Iterator[tuple[str, str]]:
    lines = docstring.expandtabs().partition(HEAD)[2].splitlines()
    name, words, depth = "", [""], None
    for line in lines:
        begins = re.match(r"( *)(\w+): (.*)", line)
        if begins and (depth is None or len(begins[1]) == depth):
            if name:
                yield name, " ".join(words)
            name, words, depth = begins[2], [begins[3].strip()], len(begins[1])
        elif line.strip():
            words.append(line.strip())
    if name:
        yield name, " ".join(words)
