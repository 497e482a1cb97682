"""Real text on every machine: paragraphs of docstrings in the standard library, labelled by package.

python -m benchmarks.docstrings rows.jsonl --rows 2000 --classes 10
"""

import argparse
import ast
import json
import random
import sysconfig
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

MIN_WORDS, MAX_WORDS = 4, 60
SKIPPED = {"test", "idlelib", "site-packages", "lib2to3", "__pycache__", "turtledemo"}


def main() -> None:
    """Write the rows of the largest packages, the same number of each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--classes", type=int, default=10)
    options = parser.parse_args()
    rows = make_rows(options.rows, options.classes)
    options.out.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    print(f"{len(rows)} rows of {options.classes} classes written to {options.out}")


def make_rows(num_rows: int, num_classes: int) -> list[dict[str, str]]:
    """Rows in random order (fixed seed), classes of equal size; an earlier package keeps a text that two have."""
    by_package: dict[str, dict[str, None]] = defaultdict(dict)
    seen: set[str] = set()
    for package, text in _paragraphs():
        if text not in seen:
            by_package[package][text] = None
        seen.add(text)
    largest = sorted(by_package, key=lambda name: (-len(by_package[name]), name))[:num_classes]
    each = num_rows // num_classes
    short = [name for name in largest if len(by_package[name]) < each]
    if short:
        raise SystemExit(f"'{short[0]}' has only {len(by_package[short[0]])} rows; ask for fewer rows or classes")
    rng = random.Random(0)
    rows = [{"text": text, "label": name} for name in largest for text in rng.sample(sorted(by_package[name]), each)]
    rng.shuffle(rows)
    return rows


def _paragraphs() -> Iterator[tuple[str, str]]:
    root = Path(sysconfig.get_path("stdlib"))
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).parts
        if set(parts) & SKIPPED or any("test" in part for part in parts):
            continue
        try:
            tree = ast.parse(path.read_text(encoding="utf-8"))
        except (SyntaxError, UnicodeDecodeError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                for paragraph in (ast.get_docstring(node) or "").split("\n\n"):
                    words = paragraph.split()
                    if MIN_WORDS <= len(words) <= MAX_WORDS:
                        yield parts[0].removesuffix(".py"), " ".join(words)


if __name__ == "__main__":
    main()
