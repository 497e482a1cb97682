"""What is told and written once a winner is chosen."""

import io
from pathlib import Path

import yaml
from rich.console import Console

from slimtune.sweeper.campaigns.selection.winner_choice import WinnerChoice
from slimtune.sweeper.finalist import Finalist, Run
from slimtune.sweeper.reporting.parent_run import ParentRun
from slimtune.sweeper.search.study_spec import study_spec
from slimtune.sweeper.search_config import Rungs
from slimtune.sweeper.study import Lease, Study
from slimtune.training.config.trial import parse_trial
from slimtune.training.tracking.run import NullRun
from tests.cases.sweep_requests import RequestOf
from tests.cases.sweep_requests import request_of as request_of


def test_the_winner_stands_in_the_file_that_hydras_users_look_for(request_of: RequestOf, tmp_path: Path) -> None:
    """With one objective too: its values by key, and its mean over seeds, not the best single score."""
    request = request_of("search.n_trials=2", "fit.learning_rate=choice(0.001,0.01)")
    study = Study(study_spec(request, Rungs(eval_every=1, longest=1)))
    with Lease(study) as lease:
        for score in (0.9, 0.8):
            asked = study.ask(lease.worker)
            assert asked is not None
            study.complete(asked.number, score)
    checkpoint = tmp_path / "trials" / "1" / "checkpoint-1"
    checkpoint.mkdir(parents=True)
    scores = {0: (0.9, 0.5), 1: (0.8, 0.8)}
    params = {trial.number: trial.params for trial in study.shown()}
    finalists = [
        Finalist(number, params[number], [Run(score, checkpoint, None) for score in both])
        for number, both in scores.items()
    ]
    tracking = parse_trial(request.tried).section.tracking
    goals = request.search.goals.called("accuracy")
    choice = WinnerChoice(request, study, goals, Console(file=io.StringIO()), tracking)
    choice.choose(finalists, ParentRun(NullRun(), None, None), doubt_of=lambda _: None)
    written = yaml.safe_load((request.folder / "optimization_results.yaml").read_text())
    assert written == {"name": "slimtune", "best_params": dict(params[1]), "best_value": 0.8}
