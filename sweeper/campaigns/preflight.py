"""All that a sweep will need, tried before its first trial: `slimtune check` runs it alone."""

from rich.console import Console

from slimtune.export.config import parse_export
from slimtune.sweeper.campaigns.places import Places
from slimtune.sweeper.campaigns.preparation import Preparation, prepare
from slimtune.sweeper.campaigns.tuning import Tuning
from slimtune.sweeper.checks import check_files
from slimtune.sweeper.reporting.data_table import print_data
from slimtune.sweeper.search.request import SweepRequest
from slimtune.training.config.trial import parse_trial
from slimtune.training.workbench.prepared_data import ReadRows


def preflight(request: SweepRequest, read: ReadRows | None = None) -> Preparation:
    """Try data, model, device, export and places of a sweep.

    Args:
        request: The sweep's.
        read: Keeps the rows for what comes after.

    Raises:
        UserError: Something cannot be used, all of it at once.
    """
    search = request.search.config
    places = Places(request.folder, search.n_trials + search.finalists * search.rerun_seeds)
    export = parse_export(request.values["export"]).section
    return prepare(parse_trial(request.values).section, export, places=places, read=read)


class Checking(Tuning):
    """The preflight of a sweep, and nothing after it."""

    # nothing of it stays, so that it need not be alone
    writes = False

    def run(self, request: SweepRequest) -> None:
        """Say what is about to be trained on, and that nothing stands in its way.

        Raises:
            UserError: Something does.
        """
        check_files(request.values)
        console = Console()
        print_data(console, preflight(request).report)
        console.print("checked: data, model, export and places fit; nothing was trained")
