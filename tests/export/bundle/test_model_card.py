"""The first line of a card says whose it is: no word of how the data was read."""

from dataclasses import replace

import pytest

from slimtune.export.bundle.manifest import Manifest, Provenance
from slimtune.export.bundle.model_card import model_card, title
from tests.export.conftest import make_manifest, make_report


def of_sweep(sweep: str | None) -> Manifest:
    made = make_manifest([make_report("pytorch", 0.9), make_report("int8", 0.8)], variant="int8")
    return replace(made, training=replace(made.training, data="file"), provenance=Provenance(sweep=sweep))


@pytest.mark.parametrize(
    ("sweep", "name", "begins"),
    [
        ("tickets", None, "# tickets: classification of "),
        ("tickets", "team_router", "# team_router: classification of "),
        (None, "a [b]", r"# a \[b\]: classification of "),
        (None, None, "# Classification of "),
    ],
)
def test_a_card_begins_with_the_name_of_the_model_or_the_sweep(
    sweep: str | None, name: str | None, begins: str
) -> None:
    assert title(of_sweep(sweep), name).startswith(begins)


def test_the_card_of_a_bundle_has_it() -> None:
    assert model_card(of_sweep("tickets")).startswith("# tickets: classification")


@pytest.mark.parametrize(
    ("seeds", "told"),
    [
        ({"mean": 0.71, "spread": 0.04, "num_seeds": 3, "exported": 0.7586}, True),
        ({"mean": 0.71, "spread": None, "num_seeds": 1, "exported": 0.71}, False),
        ({"mean": 0.71, "spread": 0.04, "num_seeds": 3}, False),
    ],
)
def test_a_card_says_which_of_the_runs_the_model_is(seeds: dict[str, float], *, told: bool) -> None:
    """Where there were several; a bundle of before does not say what its own had."""
    manifest = replace(of_sweep("tickets"), provenance=Provenance(validation_over_seeds=seeds))
    sentence = "over 3 seeds: mean 0.7100, spread 0.0400; this model is the best of these runs, with 0.7586."
    assert (sentence in model_card(manifest)) is told
