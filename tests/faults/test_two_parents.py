"""Two runs of one study at once."""

from tests.faults.runs import Runs


def test_each_fold_is_trained_once_and_both_rankings_are_the_same(runs: Runs) -> None:
    first = runs.start("first", "execution.parallel_folds=1")
    second = runs.start("second", "execution.parallel_folds=1", more={"PREFECT_HOME": str(runs.home) + "-2"})
    runs.finish(first, "first")
    runs.finish(second, "second")
    ended = runs.states("first", "fold-") + runs.states("second", "fold-")
    assert sorted(ended) == ["Cached"] * 4 + ["Completed"] * 4
    assert len(runs.records("train-layer")) == 8
    assert runs.ranking("first") == runs.ranking("second")
    assert runs.locks() == []
