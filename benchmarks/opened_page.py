"""How long a sweep's page takes to open in Chromium, from a file, in an empty profile.

python -m benchmarks.opened_page outputs/tone/report.html
"""

import argparse
import os
import shutil
import statistics
import time
from pathlib import Path
from typing import NamedTuple

import psutil

from benchmarks.report import header, publish, table

TIMES = 5
WAIT_MS = 60_000
COLUMNS = ("page", "MB", "tables, seconds", "all figures, seconds", "processor, seconds")


class Opened(NamedTuple):
    """Seconds from the request on, the medians of `TIMES` openings.

    Attributes:
        tables: Until the tables are painted.
        figures: Until the last figure is drawn.
        processor: What all processes of the browser computed from the request on, which others' load changes little.
    """

    tables: float
    figures: float
    processor: float


def opened(page: Path) -> Opened | None:
    """Open a page, each time in a browser of its own; None where there is no Chromium or no playwright."""
    if shutil.which("chromium") is None:
        return None
    try:
        import playwright.sync_api  # noqa: F401
    except ModuleNotFoundError:
        return None
    each = [_opened_once(page) for _ in range(TIMES)]
    return Opened(*(statistics.median(values) for values in zip(*each, strict=True)))


def row_of(page: Path, found: Opened | None) -> list[str]:
    """A row under `COLUMNS`."""
    size = f"{page.stat().st_size / 1e6:.2f}"
    if found is None:
        return [page.name, size, *["no Chromium here"] * 3]
    return [page.name, size, *(f"{seconds:.2f}" for seconds in found)]


def _opened_once(page: Path) -> Opened:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # a container has no namespaces for the sandbox, and the page is our own
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        tab = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
        before, began = _computed(), time.perf_counter()
        tab.goto(page.absolute().as_uri(), wait_until="commit")
        tab.locator("body[data-drawn]").wait_for(timeout=WAIT_MS)
        figures, computed = time.perf_counter() - began, _computed() - before
        painted = tab.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
        browser.close()
    return Opened(painted / 1000, figures, computed)


def _computed() -> float:
    """Processor seconds of all processes that this one has started."""
    children = psutil.Process(os.getpid()).children(recursive=True)
    times = [child.cpu_times() for child in children if child.is_running()]
    return sum(one.user + one.system for one in times)


def main() -> None:
    """Open pages and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("page", type=Path, nargs="+")
    options = parser.parse_args()
    rows = [row_of(page, opened(page)) for page in options.page]
    publish([*header("How long a page takes to open", f"Medians of {TIMES}."), *table(COLUMNS, rows)], None)


if __name__ == "__main__":
    main()
