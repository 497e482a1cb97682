"""A page of Debian's Chromium, for tests that look at pages."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tests.services import need

if TYPE_CHECKING:
    from playwright.sync_api import Page


def need_chromium() -> None:
    """Skip the test where there is none."""
    is_there = shutil.which("chromium") is not None
    need("chromium", None if is_there else "there is none; .ci/services/chromium start installs it")


@contextmanager
def browser_page(*, width: int = 1280, height: int = 900, **context: Any) -> Iterator["Page"]:
    """An empty page in an empty profile; where there is no Chromium, the test is skipped loudly.

    Args:
        width: Of the window, in pixels.
        height: Likewise.
        context: More settings of playwright's context, e.g. `color_scheme="dark"`, `offline=True`.
    """
    need_chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # a container has no namespaces for the sandbox, and the pages are our own
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        try:
            yield browser.new_context(viewport={"width": width, "height": height}, **context).new_page()
        finally:
            browser.close()
