"""The page: whole, small, quiet, and of any sweep."""

import re
from pathlib import Path

import pytest

from slimtune.sweeper.goals.goals import Goals, Objective
from slimtune.sweeper.report_page.leaderboard import leaderboard
from slimtune.sweeper.report_page.page import page
from slimtune.sweeper.reporting.sweep_status import SweepState
from slimtune.sweeper.space.dimension import Choice
from slimtune.sweeper.study import TrialState
from tests.browser import browser_page
from tests.sweeper.report_page.sweeps import SPACE, a_rerun, a_sweep, a_trial, a_winner, some_trials

EVIL = "<script>alert('x')</script><img src=x onerror=y>"


def text_of(html: str) -> str:
    """What is shown, without scripts and styles."""
    return re.sub(r"<(script|style)\b.*?</\1>", "", html, flags=re.DOTALL)


def test_page_of_200_trials_is_under_2_mb() -> None:
    """With eight parameters and twenty evaluations a trial."""
    trials = some_trials(200)
    more = {f"fit.parameter_{at}": 0.123456789 for at in range(4)}
    curve = {step: step / 10_007 for step in range(100, 2100, 100)}
    long = [one._replace(params={**one.params, **more}, intermediate=curve) for one in trials]
    assert len(page(a_sweep(long)).encode()) < 2_000_000


def test_nothing_is_asked_of_a_server() -> None:
    """No element names an address, and the page forbids what would."""
    shown = text_of(page(a_sweep(some_trials(12))))
    assert not re.findall(r"""(?:src|href|action)=(?!["']?#)""", shown)
    assert "default-src 'none'" in shown
    assert "connect-src" not in shown


def test_a_complete_sweep_has_every_part() -> None:
    """What users look for, each under its own heading."""
    trials = some_trials(20)
    best, second = [trial.number for trial in a_sweep(trials).ranked()[:2]]
    variant = {"name": "fp32", "score": 0.8, "metric_drop": 0.0, "agreement": 1.0, "size_mb": 9.0, "passed": True}
    attrs = {
        "winner": a_winner(best, 0.85),
        "test": {
            "key": "",
            "result": {"num_rows": 50, "scores": {"accuracy": {"value": 0.8, "low": 0.7, "high": 0.9}}},
        },
        "export": {"key": "", "result": {"reports": [variant], "chosen": "fp32", "bundle": "b"}},
        "registered": {"key": "", "result": {"name": "m", "version": 1, "alias": "champion", "reason": "first"}},
    }
    data = {"splits": [{"name": "train", "num_rows": 10, "num_tokens": 70}], "baselines": {}, "notes": ["a note"]}
    reruns = [a_rerun(best, 0.84, number=0), a_rerun(second, 0.85, number=1)]
    text = text_of(
        page(a_sweep(trials, attrs=attrs, reruns=reruns, data=data, config="fit: 1", state=SweepState.ended))
    )
    parts = ("warnings", "result", "leaderboard", "learning", "parameters", "pruning", "front", "reruns", "export")
    for anchor in (*parts, "cost", "data", "config"):
        assert f'<section id="{anchor}"' in text, anchor
        assert f'href="#{anchor}"' in text, anchor
    figures = (
        "history",
        "curves",
        "importance",
        "parallel",
        "slices",
        "contour",
        "rungs",
        "pareto",
        "seeds",
        "timeline",
    )
    for name in figures:
        assert f'id="{name}" role="img" aria-labelledby="{name}-told"' in text, name
    assert "0.7000" in text
    assert "registered" in text.lower()


@pytest.mark.parametrize("state", list(TrialState))
def test_a_sweep_of_one_trial_has_a_page(state: TrialState) -> None:
    """Whatever becomes of it."""
    text = text_of(page(a_sweep([a_trial(0, state)])))
    assert state.value in text or "diverged" in text
    assert 'id="leaderboard"' in text


def test_an_empty_sweep_has_a_page() -> None:
    """Before its first trial."""
    text = text_of(page(a_sweep([], state=SweepState.interrupted, dimensions={})))
    assert "No trial was begun." in text
    assert "no complete trial yet" in text


def test_several_objectives_have_a_front() -> None:
    """Of the two first ones, drawn; all of them in the table."""
    goals = Goals((Objective("accuracy", maximize=True), Objective("latency_ms", maximize=False)))
    trials = [
        a_trial(at, values=(0.5 + at / 100, float(at % 3)), attrs={"costs": {"latency_ms": float(at % 3)}})
        for at in range(12)
    ]
    text = text_of(page(a_sweep(trials, goals=goals)))
    assert "no other trial is better in both accuracy and latency_ms" in text
    assert ">latency_ms</button>" in text


def test_names_and_values_of_others_are_text() -> None:
    """They come from files that anybody may have written."""
    trials = [
        a_trial(at, params={EVIL: EVIL, "fit.learning_rate": 0.01}, attrs={"message": EVIL, "name": EVIL})
        for at in range(10)
    ]
    data = {
        "classes": {EVIL: 3},
        "notes": [EVIL],
        "label_noise": [[EVIL, EVIL, EVIL]],
        "baselines": {EVIL: {EVIL: 1.0}},
    }
    sweep = a_sweep(trials, name=EVIL, data=data, config=EVIL, reason=EVIL, dimensions={**SPACE, EVIL: Choice((EVIL,))})
    html = page(sweep)
    assert "<img" not in html
    assert "<script>alert" not in html
    assert text_of(html).count("&lt;script&gt;alert") > 10


def test_the_leaderboard_says_which_scores_are_not_the_best_ones() -> None:
    """A pruned trial stands with its last one."""
    told = leaderboard(a_sweep([a_trial(0)]))
    assert "at the best evaluation</caption>" in told
    told = leaderboard(a_sweep([a_trial(0), a_trial(1, TrialState.pruned)]))
    assert "at the best evaluation of complete trials and the last one of others" in told


def test_parameters_are_called_the_most_important_ones_where_that_is_known() -> None:
    assert "The two most important parameters" in page(a_sweep(some_trials(30)))
    told = page(a_sweep(some_trials(5)))
    assert "Two parameters together" in told
    assert "most important" not in text_of(told)


def test_tables_have_heads_and_captions() -> None:
    """For those who hear the page; heads of the leaderboard are buttons, which keys reach."""
    text = text_of(page(a_sweep(some_trials(6))))
    assert text.count("<table") == text.count("<caption>")
    assert '<th scope="col" class=n><button type="button" data-column="0">trial</button>' in text
    assert 'lang="en"' in text


def test_style_is_of_both_colour_schemes_and_of_paper() -> None:
    """The system's scheme, and print."""
    html = page(a_sweep([]))
    assert "prefers-color-scheme:dark" in html
    assert "@media print" in html


@pytest.mark.parametrize(("alias", "told"), [("champion", "alias champion"), (None, "no alias")])
def test_a_version_is_told_with_its_alias_or_without(alias: str | None, told: str) -> None:
    registered = {"name": "m", "version": 1, "alias": alias, "reason": "first"}
    facts = a_sweep(some_trials(3), attrs={"registered": {"key": "", "result": registered}})
    assert f"Registered: m version 1, {told}: first." in text_of(page(facts))


def test_a_page_is_read_from_a_study(tmp_path: Path) -> None:
    """Its trials, its space and its files; nothing of a tracker."""
    import optuna

    from slimtune.sweeper.report_page.sweep_facts import read_facts
    from slimtune.sweeper.search_config import study_url

    study = optuna.create_study(storage=study_url(tmp_path), study_name="tone", direction="maximize")
    study.optimize(lambda trial: trial.suggest_float("fit.learning_rate", 1e-4, 1e-2, log=True), n_trials=3)
    (tmp_path / "data_report.json").write_text('{"leaks_exact": 7}')
    facts = read_facts(study_url(tmp_path), "tone", tmp_path)
    assert [trial.number for trial in facts.trials] == [0, 1, 2]
    assert str(facts.dimensions["fit.learning_rate"]) == "float, 0.0001 to 0.01, log"
    assert "7 training rows were also held-out rows; they were removed" in page(facts)
    assert "Leak found" not in page(facts)


@pytest.mark.parametrize("values", ['{"leaks_exact": "many", "splits": 3, "classes": [], "notes": ["kept"]}'])
def test_values_of_other_kinds_are_left_out(tmp_path: Path, values: str) -> None:
    """Of a data report that somebody has changed."""
    import optuna

    from slimtune.sweeper.report_page.sweep_facts import read_facts
    from slimtune.sweeper.search_config import study_url

    optuna.create_study(storage=study_url(tmp_path), study_name="tone")
    (tmp_path / "data_report.json").write_text(values)
    assert "<li>kept</li>" in page(read_facts(study_url(tmp_path), "tone", tmp_path))


def test_a_broken_data_report_is_left_out(tmp_path: Path) -> None:
    """The page is of what can be read."""
    import optuna

    from slimtune.sweeper.report_page.sweep_facts import read_facts
    from slimtune.sweeper.search_config import study_url

    optuna.create_study(storage=study_url(tmp_path), study_name="tone")
    (tmp_path / "data_report.json").write_text('{"leaks_ex')
    assert read_facts(study_url(tmp_path), "tone", tmp_path).data is None


@pytest.mark.slow
@pytest.mark.parametrize("without", ["", "delete window.Worker; delete window.OffscreenCanvas"])
def test_all_figures_are_drawn_whatever_a_browser_has(tmp_path: Path, without: str) -> None:
    """Workers only begin with WebGL earlier; a page within another one may have none."""
    (tmp_path / "report.html").write_text(page(a_sweep(some_trials(12))))
    told: list[str] = []
    with browser_page(offline=True) as opened:
        opened.on("console", lambda message: told.append(message.text) if message.type == "error" else None)
        opened.on("pageerror", lambda error: told.append(str(error)))
        opened.add_init_script(without)
        opened.goto((tmp_path / "report.html").as_uri())
        opened.wait_for_selector("body[data-drawn]", timeout=60_000)
        assert opened.locator(".plot").count() == opened.locator(".plot.js-plotly-plot").count()
    assert told == []


def test_the_leaderboard_names_the_winner() -> None:
    """Which need not be the one that it has first."""
    trials = [a_trial(0, values=(0.9,), objective=0.9), a_trial(1, values=(0.8,), objective=0.8)]
    told = leaderboard(a_sweep(trials, attrs={"winner": a_winner(1, 0.85)}))
    assert "<summary>1 (winner)</summary>" in told
    assert "<summary>0</summary>" in told
    assert "the winner, trial 1, is the one with the best mean over seeds" in told
    assert "winner" not in leaderboard(a_sweep(trials))


def test_the_page_says_which_run_of_the_winner_is_exported() -> None:
    """Where the winner has several, and behind what the gate says of it."""
    won = {**a_winner(0, 0.5), "exported": "its model: of the 2 runs of trial 0, the best one, 0.6"}
    registered = {"name": "mine", "version": "1", "alias": None, "reason": "no_leak refuses it: 14 rows"}
    attrs = {"winner": won, "registered": {"result": registered}}
    told = text_of(page(a_sweep([a_trial(0)], attrs=attrs)))
    assert "Its model: of the 2 runs of trial 0, the best one, 0.6." in told
    assert "Registered: mine version 1, no alias: no_leak refuses it: 14 rows." in told
