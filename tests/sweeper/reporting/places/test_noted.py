import pytest

from slimtune.sweeper.reporting.places.noted import noted_place
from slimtune.sweeper.study.record import PLACE
from slimtune.training.errors import StoreError
from slimtune.training.tracking.places.place import RunsPlace


def test_a_study_says_where_its_runs_lie() -> None:
    place = RunsPlace("http://127.0.0.1:5000", "tracking.uri", None, "tone", None)
    assert noted_place({PLACE: place._asdict()}) == place
    assert noted_place({}) is None


@pytest.mark.parametrize("note", [{"uri": "x"}, {"where": "?"}, 7])
def test_a_broken_note_is_told(note: object) -> None:
    """As of a study that somebody wrote to; `slimtune status` reads it too."""
    with pytest.raises(StoreError, match=f"the note '{PLACE}' of the study is broken: .*; bring it back"):
        noted_place({PLACE: note})
