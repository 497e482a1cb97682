"""What a person sees of a finished sweep, in an empty browser profile: the MLflow UI, the report, the review."""

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tests.browser import browser_page, need_chromium
from tests.end_to_end.conftest import Sweep, make_sweep

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.slow
WAIT_MS = 60_000


class Served(NamedTuple):
    """A finished sweep whose store is served.

    Attributes:
        sweep: The sweep.
        links: What it printed, with the address of the server.
        address: Of the server.
    """

    sweep: Sweep
    links: dict[str, str]
    address: str


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path, rows_file: Path) -> Iterator[Served]:
    need_chromium()
    sweep = make_sweep(tmp_path_factory.mktemp("served"), tiny_model, rows_file)
    export = (
        "export=onnx",
        "export.variants=[]",
        "export.min_agreement=0.5",
        "export.max_metric_drop=0.5",
        "promotion.beats_baseline=false",
    )
    done = sweep.run(*export, "search.n_trials=4", "search.finalists=1", "search.rerun_seeds=0")
    assert done.returncode == 0, done.stdout + done.stderr
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    found = re.findall(r"(http://127\.0\.0\.1:5000)(/#\S+)", done.stdout)
    trials, own = (f"{address}{path}" for _, path in found)
    command = [sys.executable, "-m", "slimtune.sweeper.cli", "ui", "--port", str(port)]
    with subprocess.Popen(command, cwd=sweep.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as server:
        try:
            _wait_for(address, server)
            yield Served(sweep, {"trials": trials, "own": own}, address)
        finally:
            server.terminate()


def _wait_for(address: str, server: "subprocess.Popen[bytes]") -> None:
    while server.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"the server has ended: {server.communicate()[0]!r}")


@pytest.fixture
def page() -> Iterator["Page"]:
    with browser_page() as opened:
        yield opened


def open_page(page: "Page", link: str, *, until: str) -> None:
    """Go there and wait until a text is seen."""
    page.goto(link)
    page.get_by_text(until).first.wait_for(timeout=WAIT_MS)


def keep(page: "Page", name: str) -> None:
    """A picture, where the environment names a folder for them."""
    if folder := os.environ.get("SLIMTUNE_SCREENSHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=str(Path(folder) / f"{name}.png"))


def best_first(sweep: Sweep) -> list[dict[str, Any]]:
    complete = [trial for trial in sweep.trials() if trial["state"] == "complete"]
    return sorted(complete, key=lambda trial: (-trial["objective"], trial["number"]))


def test_the_printed_link_shows_trials_with_their_best_objective(served: Served, page: "Page") -> None:
    """The columns that matter in one look at 1280 pixels, the best first; the assistant covers nothing."""
    open_page(page, served.links["trials"], until="objective")
    # the grid comes after the words around it
    page.get_by_role("columnheader", name="state").first.wait_for(timeout=WAIT_MS)
    page.locator("[role=row]", has_text="complete").first.wait_for(timeout=WAIT_MS)
    headers = [text for text in page.locator("[role=columnheader]").all_inner_texts() if text]
    assert {"Run Name", "Duration", "objective", "fit.learning_rate", "fit.batch_size", "state"} <= set(headers)
    state = page.get_by_role("columnheader", name="state").first.bounding_box()
    assert state is not None
    assert state["x"] + state["width"] < 1280
    first = page.locator("[role=row]", has_text=re.compile(r"t\d\d ")).first.inner_text()
    best = best_first(served.sweep)[0]
    assert f"t{best['number']:02d} " in first
    # a row's cells come in no order of their own
    values = page.locator("[role=row]", has_text="complete").locator("[role=gridcell][col-id*=objective]")
    values.filter(has_text=re.compile(r"\d")).first.wait_for(timeout=WAIT_MS)
    shown = max(float(value) for value in values.all_inner_texts())
    assert shown == pytest.approx(best["objective"], abs=1e-5)
    assert page.get_by_text("Ask questions about your").count() == 0
    keep(page, "trials")


def test_charts_are_wide_enough_to_read(served: Served, page: "Page") -> None:
    open_page(page, f"{served.links['trials']}&compareRunsMode=CHART", until="Parallel Coordinates")
    for heading in ("What leads to a good objective", "Learning curves, by training examples", "by each searched"):
        assert page.get_by_text(heading).count() > 0
    axes = page.locator("svg text", has_text="log10_learning_rate").first
    axes.wait_for(timeout=WAIT_MS)
    last = page.locator("svg text", has_text="objective").first
    left, right = axes.bounding_box(), last.bounding_box()
    assert left is not None
    assert right is not None
    assert abs(right["x"] - left["x"]) > 350
    keep(page, "charts")


def test_the_sweeps_own_page_describes_it_and_leads_to_the_best_trial(served: Served, page: "Page") -> None:
    open_page(page, served.links["own"], until="The winner")
    best = best_first(served.sweep)[0]
    page.get_by_text("Show more").first.click()
    for text in ("Budget", "Registered as", "Where"):
        assert page.get_by_text(text).first.is_visible()
    assert page.get_by_text(re.compile(r"file train \(\w{8}\)")).count() > 0, "the rows are an input"
    keep(page, "sweep")
    link = page.get_by_role("link", name=f"t{best['number']:02d}", exact=True).first.get_attribute("href")
    open_page(page, f"{served.address}/{link}", until=f"t{best['number']:02d} ")
    assert page.get_by_text(str(best["run_id"])).count() > 0


def test_a_trial_shows_its_answers_as_a_table_and_its_confusions_as_a_picture(served: Served, page: "Page") -> None:
    best = best_first(served.sweep)[0]
    experiment = served.links["own"].partition("/runs/")[0]
    open_page(
        page, f"{experiment}/runs/{best['run_id']}/artifacts?workflowType=machine_learning", until="confusion.svg"
    )
    page.get_by_text("predictions.json").click()
    page.get_by_role("columnheader", name="prediction").first.wait_for(timeout=WAIT_MS)
    keep(page, "answers")
    page.get_by_text("confusion.svg").click()
    page.locator("img[src], canvas, .plotly").first.wait_for(timeout=WAIT_MS)
    keep(page, "confusion")


def test_the_best_runs_compare_side_by_side(served: Served, page: "Page") -> None:
    runs = [trial["run_id"] for trial in served.sweep.trials()][:3]
    experiment = re.search(r"experiments/(\d+)", served.links["own"])
    assert experiment is not None
    named = f"runs={json.dumps(runs)}&experiments={json.dumps([experiment[1]])}".replace(" ", "")
    open_page(page, f"{served.address}/#/compare-runs?{named}", until="Comparing 3 Runs")
    assert page.get_by_text("fit.learning_rate").count() > 0
    keep(page, "compare")


def test_the_registered_model_has_its_alias(served: Served, page: "Page") -> None:
    open_page(page, f"{served.address}/#/models/mine?workflowType=machine_learning", until="Version 1")
    assert page.get_by_text("champion").count() > 0
    keep(page, "model")


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1920)])
def test_the_report_is_whole_without_a_network(served: Served, scheme: str, width: int) -> None:
    """All figures are drawn, no request leaves the file, nothing is wider than the window, and nothing is an error."""
    page_file = served.sweep.folder / "outputs" / "mine" / "report.html"
    assert page_file.stat().st_size < 2_000_000
    asked: list[str] = []
    errors: list[str] = []
    with browser_page(width=width, color_scheme=scheme, offline=True) as page:
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
        open_page(page, page_file.as_uri(), until="Leaderboard")
        for heading in ("Learning", "Parameters", "Rungs", "Export", "Time and cost", "Data", "Config"):
            assert page.get_by_role("heading", name=heading, exact=True).count() == 1, heading
        # drawn from above; the last one stands for all
        page.locator(".js-plotly-plot .main-svg").last.wait_for(timeout=WAIT_MS)
        assert page.locator(".js-plotly-plot").count() >= 5
        shown = page.evaluate("getComputedStyle(document.body).backgroundColor")
        red = int(re.findall(r"\d+", shown)[0])
        assert (red < 80) == (scheme == "dark"), shown
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        keep(page, f"report-{scheme}")
    assert [url for url in asked if not url.startswith(("file:", "blob:", "data:"))] == []
    assert errors == []


def test_the_review_sheet_saves_what_was_chosen(served: Served, page: "Page", tmp_path: Path) -> None:
    """Its file is what `slimtune review read` takes."""
    done = served.sweep.slimtune("review", "make", "mine", "--top", "2", "--rows", "4")
    assert done.returncode == 0, done.stderr
    open_page(page, (served.sweep.folder / "outputs/mine/review/sheet.html").as_uri(), until="Which answer")
    page.get_by_role("radio").first.check()
    page.fill("#reviewer", "Ann")
    with page.expect_download() as saved:
        page.click("#save")
    path = tmp_path / saved.value.suggested_filename
    saved.value.save_as(path)
    read = served.sweep.slimtune("review", "read", "mine", str(path))
    assert read.returncode == 0, read.stderr
    assert "preferred in 1 row, by Ann" in read.stdout
    assert "logged on the runs of 2 trials" in read.stdout
