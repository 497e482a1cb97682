"""The page: parts in the order in which a reader asks."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from slimtune.export.registry.model_uri import told_before
from slimtune.sweeper.report_page import result_tables
from slimtune.sweeper.report_page.cautions import cautions
from slimtune.sweeper.report_page.costs import costs
from slimtune.sweeper.report_page.figures.contour import contour
from slimtune.sweeper.report_page.figures.curves import curves
from slimtune.sweeper.report_page.figures.figure import Figure
from slimtune.sweeper.report_page.figures.history import history
from slimtune.sweeper.report_page.figures.importance_bars import importance_bars
from slimtune.sweeper.report_page.figures.parallel import parallel
from slimtune.sweeper.report_page.figures.pareto_points import pareto_points
from slimtune.sweeper.report_page.figures.rungs import rungs, rungs_of
from slimtune.sweeper.report_page.figures.seeds import seeds
from slimtune.sweeper.report_page.figures.slices import slices
from slimtune.sweeper.report_page.figures.timeline import timeline
from slimtune.sweeper.report_page.leaderboard import leaderboard
from slimtune.sweeper.report_page.markup import escaped, folded, paragraph, section, unordered
from slimtune.sweeper.report_page.script import packed_figures, packed_plotly, page_script, page_style
from slimtune.sweeper.report_page.sweep_facts import SweepFacts
from slimtune.sweeper.study.analysis.importance import MIN_TRIALS, importances
from slimtune.training.listed_names import told_ended

# whatever stands in the page, nothing of it asks a server; plotly makes functions of text
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval' blob:; style-src 'unsafe-inline'; "
    "img-src data: blob:; base-uri 'none'; form-action 'none'"
)


class PagePart(NamedTuple):
    """A part of the page.

    Attributes:
        anchor: Its id.
        title: In the table of contents and above it.
        inner: Markup.
        figures: That are drawn in it.
    """

    anchor: str
    title: str
    inner: str
    figures: Sequence[Figure] = ()


def page(facts: SweepFacts, *, at: datetime | None = None) -> str:
    """All of a sweep as one HTML file.

    Args:
        facts: The sweep.
        at: When it was read; None is now.

    Raises:
        ModuleNotFoundError: Plotly is not installed.
    """
    parts = [part for part in _parts(facts) if part.inner or part.figures]
    figures = [figure for part in parts for figure in part.figures]
    contents = "".join(f'<li><a href="#{part.anchor}">{escaped(part.title)}</a></li>' for part in parts)
    body = "".join(section(part.anchor, part.title, _drawn(part)) for part in parts)
    title = escaped(f"sweep {facts.name}")
    when = (at or datetime.now()).strftime("%Y-%m-%d %H:%M:%S")
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<style>{page_style()}</style></head><body>"
        '<a class="skip" href="#main">Skip to the content</a>'
        f'<header><h1>{title}</h1><button type="button" id="theme">Colours: as the system</button>'
        f"<p>{escaped(_headline(facts))}</p></header>"
        f'<nav aria-label="Parts of the page"><ul>{contents}</ul></nav><main id="main">{body}</main>'
        f"<footer><p>Written by slimtune at {when}. Nothing in this page is read from anywhere else.</p></footer>"
        f"{packed_figures(figures)}{packed_plotly()}<script>{page_script()}</script></body></html>\n"
    )


def _drawn(part: PagePart) -> str:
    """Its text, with a place for each figure."""
    places = "".join(
        f'<figure><figcaption id="{one.name}-told"><strong>{escaped(one.title)}</strong> {escaped(one.told)}'
        f'</figcaption><div class="plot" id="{one.name}" role="img" aria-labelledby="{one.name}-told" '
        f'style="height:{one.height}px"></div></figure>'
        for one in part.figures
    )
    note = '<noscript><p class="note">Figures need JavaScript; tables do not.</p></noscript>' if places else ""
    return f"{note}{places}{part.inner}"


def _headline(facts: SweepFacts) -> str:
    ended = sum(trial.finished for trial in facts.trials)
    words = f"{facts.state.value}; {told_ended(ended, facts.budget)}"
    if facts.reason is not None:
        words += f" (the search has ended: {facts.reason})"
    best = facts.best()
    if best is None:
        return f"{words}; no complete trial yet."
    winner = facts.winner()
    if winner is None:
        value = f"{best.objective:z.4g}" if best.objective is not None else "no number"
        return f"{words}; the best so far is trial {best.number} with {facts.metric} {value} on validation."
    mean = float(winner.get("score", 0.0))
    return f"{words}; trial {best.number} was chosen, with a mean {facts.metric} of {mean:z.4g} on validation."


def _parts(facts: SweepFacts) -> Iterator[PagePart]:
    found = importances(facts.trials, facts.dimensions, facts.goals)
    ranked = [one.key for one in found]
    keys = [*ranked, *(key for key in facts.keys if key not in ranked)]
    finalists, rung_list = facts.finalists(), rungs_of(facts.trials)
    said = cautions(facts)
    warned = f'<div class="warnings">{unordered(said)}</div>' if said else paragraph("None: nothing stands out.")
    yield PagePart("warnings", f"Warnings ({len(said)})", warned)
    yield PagePart("result", "Result", _result(facts))
    yield PagePart("leaderboard", "Leaderboard", leaderboard(facts))
    yield PagePart("learning", "Learning", "", _there(history(facts), curves(facts)))
    bars = importance_bars(found)
    few = paragraph(f"Importance is told from {MIN_TRIALS} trials with different scores on.")
    table = result_tables.importance_table(found) if found else few
    pictures = _there(bars, parallel(facts, keys), slices(facts, keys), contour(facts, keys, is_ranked=bool(found)))
    yield PagePart("parameters", "Parameters", table, pictures)
    drawn = rungs(facts, rung_list)
    yield PagePart("pruning", "Rungs", result_tables.rung_table(rung_list) if rung_list else "", _there(drawn))
    yield PagePart("front", "Pareto front", "", _there(pareto_points(facts)))
    chosen = (facts.winner() or {}).get("trial")
    again = result_tables.seed_table(finalists, chosen) if finalists else ""
    yield PagePart("reruns", "Seeds", again, _there(seeds(facts, finalists)))
    export = facts.stage("export")
    yield PagePart("export", "Export", result_tables.variant_table(export) if export.get("reports") else "")
    yield PagePart("cost", "Time and cost", costs(facts) if facts.attempts else "", _there(timeline(facts)))
    yield PagePart("data", "Data", result_tables.data_tables(facts.data) if facts.data else "")
    config = folded("of the best trial, whole", f"<pre>{escaped(facts.config)}</pre>") if facts.config else ""
    yield PagePart("config", "Config", config)


def _there(*figures: Figure | None) -> list[Figure]:
    return [figure for figure in figures if figure is not None]


def _result(facts: SweepFacts) -> str:
    test, registered = facts.stage("test"), facts.stage("registered")
    lines = []
    if registered:
        was = told_before(registered.get("before"), registered.get("version"))
        alias = f"alias {registered['alias']}{was}" if registered.get("alias") else "no alias"
        lines.append(
            f"Registered: {registered.get('name')} version {registered.get('version')}, {alias}: "
            f"{registered.get('reason')}."
        )
    if facts.stage("export").get("bundle"):
        lines.append(f"Bundle: {facts.stage('export')['bundle']}")
    if exported := (facts.winner() or {}).get("exported"):
        lines.append(f"{exported[:1].upper()}{exported[1:]}.")
    if facts.winner() is None:
        lines.append("No winner is chosen yet: reruns, test and export come after the search.")
    elif "test" in facts.attrs and not test:
        lines.append("The data has no test rows, so the winner has no test score.")
    return (result_tables.test_table(test) if test.get("scores") else "") + (unordered(lines) if lines else "")
