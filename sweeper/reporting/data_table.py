"""The rows that a sweep or a trial is about to learn from, on the terminal."""

from rich.console import Console

from slimtune.training.data_report.report import DataReport, render
from slimtune.training.fitted_table import print_table


def print_data(console: Console, report: DataReport) -> None:
    """What is about to be trained on."""
    for part in render(report):
        print_table(console, part)
