"""An optimum hung on one book: the finalists' fresh paths reused the accounts of the search."""

from dataclasses import replace
from pathlib import Path

from sim.engine.scenario.path_choice import PathChoice
from sim.experiments.exploration.stages import SearchStage, Stages, fresh_seed
from sim.experiments.sweep.plan import Plan, Point


class Recorder(Stages):
    """Keeps the plans instead of running them."""


def plans(monkeypatch, tmp_path: Path) -> dict[str, Plan]:
    kept: dict[str, Plan] = {}

    def run_plan(self, stage, plan):
        kept[stage] = plan
        raise_after = len(kept) == 2
        if raise_after:
            raise StopIteration
        return object()

    monkeypatch.setattr(Recorder, "run_plan", run_plan)
    plan = Plan(
        scenario=tmp_path / "x.toml", seed=7, paths=50, points=(Point(index=0, name="a", overrides=()),)
    )
    stages = Recorder(plan=plan, metrics=("bad_debt_ratio",), out=tmp_path)
    try:
        SearchStage(stages).both([{"blocks": 5}], ["one"], 30)
    except StopIteration:
        return kept
    raise AssertionError("the fresh stage was not run")


def test_every_fresh_path_has_a_book_that_the_search_never_saw(monkeypatch, tmp_path) -> None:
    found = plans(monkeypatch, tmp_path)
    searched, fresh = found["finalists"], found["fresh"]
    assert (searched.seed, searched.paths, searched.populations) == (7, 50, 1)
    assert (fresh.seed, fresh.paths, fresh.populations) == (fresh_seed(7), 30, 30)
    assert [fresh.population(path) for path in range(30)] == list(range(30))

    def accounts(plan: Plan, path: int) -> tuple[float, ...]:
        choice = PathChoice(path=path, populations=plan.populations)
        return tuple(choice.population_streams(plan.seed).draw("book").uniform(4))

    books = {accounts(fresh, path) for path in range(30)}
    assert len(books) == 30
    assert accounts(searched, 0) not in books
    assert accounts(searched, 0) == accounts(searched, 49)  # what the search saw is one book
    assert fresh.points == replace(searched, points=fresh.points).points


def test_the_fresh_seed_is_another_and_always_the_same() -> None:
    assert fresh_seed(7) == fresh_seed(7) != fresh_seed(8)
    assert 0 <= fresh_seed(7) < 2**63
