import threading
from collections.abc import Mapping

import pytest

from slimtune.training.tracking import reporter as module
from slimtune.training.tracking.reporter import FLUSH_POINTS, Quiet, Reporter
from slimtune.training.tracking.run import MetricPoint


class FakeSink:
    """Keeps points, or fails the first few times."""

    def __init__(self, num_failures: int = 0) -> None:
        self.points: list[MetricPoint] = []
        self.num_calls = 0
        self.tags: dict[str, str] = {}
        self._num_failures = num_failures
        self.threads: set[str] = set()
        self.called = threading.Event()

    def log_points(self, points: list[MetricPoint]) -> None:
        self.num_calls += 1
        self.threads.add(threading.current_thread().name)
        self.called.set()
        if self.num_calls <= self._num_failures:
            raise ConnectionError("down")
        self.points += points

    def set_tags(self, tags: Mapping[str, str]) -> None:
        self.tags |= tags


def test_points_arrive_in_order_in_few_requests_off_the_training_thread() -> None:
    sink = FakeSink()
    with Reporter(lambda: sink) as reporter:
        for step in range(2 * FLUSH_POINTS + 1):
            reporter.metrics(step, {"objective": float(step)})
    assert [point.step for point in sink.points] == list(range(2 * FLUSH_POINTS + 1))
    assert sink.num_calls <= 3
    assert threading.current_thread().name not in sink.threads


def test_the_objective_is_written_first() -> None:
    """The UI compares by the metric that a run got first; the points before it wait for it."""
    sink = FakeSink()
    with Reporter(lambda: sink) as reporter:
        for step in range(FLUSH_POINTS + 1):
            reporter.metrics(step, {"train/loss": 0.0})
        considered = threading.Event()
        # jobs are done in the order of the calls
        reporter.write(lambda _: considered.set())
        assert considered.wait(600)
        assert sink.points == []
        reporter.metrics(FLUSH_POINTS, {"validation/loss": 1.0, "objective": 0.5})
    assert sink.points[0].key == "objective"
    assert len(sink.points) == FLUSH_POINTS + 3


def test_the_last_points_are_written_when_training_raises() -> None:
    sink = FakeSink()
    try:
        with Reporter(lambda: sink) as reporter:
            reporter.metrics(1, {"loss": 1.0})
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        pass
    assert [point.value for point in sink.points] == [1.0]


def test_a_tracker_that_is_down_for_a_while_loses_nothing() -> None:
    sink = FakeSink(num_failures=1)
    with Reporter(lambda: sink) as reporter:
        reporter.metrics(0, {"objective": 0.0})
        for step in range(1, FLUSH_POINTS + 1):
            reporter.metrics(step, {"objective": 0.0})
        assert sink.called.wait(600)
        reporter.metrics(999, {"objective": 0.0})
    assert [point.step for point in sink.points] == [*range(FLUSH_POINTS + 1), 999]


def test_points_that_nobody_takes_are_counted(caplog: pytest.LogCaptureFixture) -> None:
    with Reporter(lambda: FakeSink(num_failures=99)) as reporter:
        reporter.metrics(7, {"loss": 0.5})
    assert caplog.records[-1].getMessage() == "tracking: 1 metric points could not be written"


def test_what_is_queued_is_done_in_order_and_the_last_after_all_points() -> None:
    """The caller waits for nothing; a piece that fails does not stop the others."""
    sink, order = FakeSink(), []

    def fail(_: FakeSink) -> None:
        raise ConnectionError("down")

    gate = threading.Event()
    reporter = Reporter(lambda: (gate.wait(), sink)[1])
    reporter.write(fail)
    reporter.tags({"state": "running"})
    reporter.metrics(1, {"objective": 0.5})
    reporter.close(lambda run: order.append((len(run.points), run.tags["state"])))
    # all of that while the tracker does not answer
    assert (sink.points, order) == ([], [])
    gate.set()
    reporter.wait_until_open()
    reporter.join()
    assert order == [(1, "running")]


def test_a_run_that_cannot_be_opened_costs_nothing_but_the_record(caplog: pytest.LogCaptureFixture) -> None:
    def refuse() -> FakeSink:
        raise ConnectionError("down")

    with Reporter(refuse) as reporter:
        reporter.metrics(7, {"loss": 0.5})
        reporter.tags({"state": "running"})
        reporter.wait_until_open()
    assert "1 metric points" in caplog.records[-1].getMessage()


class WatchedQuiet(Quiet):
    """Tells when a reporter waits."""

    def __init__(self) -> None:
        super().__init__()
        self.met = threading.Event()

    def wait(self) -> None:
        self.met.set()
        super().wait()


def test_reporters_hold_back_while_a_trial_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "QUIET_SECONDS", 600.0)
    sink, quiet, seen = FakeSink(), WatchedQuiet(), []
    quiet.begin()
    reporter = Reporter(lambda: (seen.append("opened"), sink)[1], quiet)
    assert quiet.met.wait(600)
    reporter.tags({"state": "running"})
    seen.append("made")
    quiet.end()
    reporter.close()
    reporter.join()
    assert seen == ["made", "opened"]
    assert sink.tags == {"state": "running"}


def test_reporters_do_not_hold_back_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever began it may be waiting for them."""
    monkeypatch.setattr(module, "QUIET_SECONDS", 0.01)
    sink, quiet = FakeSink(), Quiet()
    quiet.begin()
    with Reporter(lambda: sink, quiet) as reporter:
        reporter.tags({"state": "running"})
    assert sink.tags == {"state": "running"}
