"""The search on fronts that are known, under constraints, and its independence of who does the work."""

import json
import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from sim.core.errors import RunError
from sim.core.rng import Streams
from sim.experiments.exploration.axes import Axis, distinct, overrides_of, rows_of
from sim.experiments.exploration.constraints import Constraint
from sim.experiments.exploration.objectives import Objective
from sim.experiments.exploration.optimise import Settings, choose_finalists, optimise
from sim.experiments.exploration.samples import Samples
from sim.experiments.exploration.search import Answer, Trial, search
from sim.metrics.statistics.over_paths import MEAN, path_interval

X = Axis(key="x", low=0.0, high=4.0)
Y = Axis(key="y", low=0.0, high=1.0)


def schaffer(values):
    """Schaffer's problem with a useless parameter: front 0 <= x <= 2, y = 0; x >= 0.5 is asked for."""
    x, y = values["x"], values["y"]
    return Answer(objectives=(x * x + y, (x - 2) ** 2 + y), violations=(0.5 - x,))


@pytest.mark.parametrize("sampler", ["nsga2", "tpe"])
def test_the_search_closes_in_on_a_known_front(sampler):
    trials = search(
        [X, Y], [1, 1], lambda rows: [schaffer(row) for row in rows],
        trials=240, batch=24, sampler=sampler, seed=3,
    )  # fmt: skip
    first = [trial for trial in trials[:24] if trial.feasible]
    last = [trial for trial in trials[-48:] if trial.feasible]
    # Distance from the front: y, and x beyond 2. A uniform draw lies 0.5 + E max(x - 2, 0) = 1.1 away on
    # average.
    distance = [np.mean([t.values["y"] + max(t.values["x"] - 2, 0) for t in part]) for part in (first, last)]
    assert distance[1] < 0.5 * distance[0]
    finalists = choose_finalists(trials, [1, 1], 6)
    assert all(0.5 <= trial.values["x"] <= 2.2 and trial.values["y"] < 0.2 for trial in finalists)
    spread = [trial.values["x"] for trial in finalists]
    assert max(spread) - min(spread) > 0.75


def test_maximising_is_minimising_the_negative():
    one = search([X], [1], lambda rows: [Answer(objectives=((row["x"] - 1) ** 2,)) for row in rows],
                 trials=30, batch=10, sampler="nsga2", seed=1)  # fmt: skip
    two = search([X], [-1], lambda rows: [Answer(objectives=(-((row["x"] - 1) ** 2),)) for row in rows],
                 trials=30, batch=10, sampler="nsga2", seed=1)  # fmt: skip
    assert [trial.values for trial in one] == [trial.values for trial in two]


@pytest.mark.parametrize("sampler", ["nsga2", "tpe"])
def test_workers_and_interruptions_change_no_trial(sampler):
    def run(evaluate):
        return search([X, Y], [1, 1], evaluate, trials=50, batch=10, sampler=sampler, seed=7)

    alone = run(lambda rows: [schaffer(row) for row in rows])
    with ThreadPoolExecutor(2) as pool:  # answers arrive in any order, map returns them in the batch's
        assert run(lambda rows: list(pool.map(schaffer, rows))) == alone

    ledger, ran = {}, []

    def remembered(rows, *, stop_after=None):
        answers = []
        for row in rows:
            key = json.dumps(row, sort_keys=True)
            if key not in ledger:
                if stop_after is not None and len(ledger) >= stop_after:
                    raise KeyboardInterrupt
                ran.append(key)
                ledger[key] = schaffer(row)
            answers.append(ledger[key])
        return answers

    with pytest.raises(KeyboardInterrupt):
        run(lambda rows: remembered(rows, stop_after=23))
    assert run(remembered) == alone
    assert len(ran) == len(set(ran))  # nothing ran twice


def test_trials_that_cannot_run_are_remembered_and_avoided():
    def evaluate(rows):
        return [
            Answer(objectives=None, note="maintenance above initial") if row["x"] > 2 else schaffer(row)
            for row in rows
        ]

    trials = search([X, Y], [1, 1], evaluate, trials=80, batch=10, sampler="nsga2", seed=2)
    assert [trial.number for trial in trials] == list(range(80))
    assert any(trial.answer.note for trial in trials)
    assert not any(trial.feasible for trial in trials if trial.values["x"] > 2)


def test_choices_and_whole_numbers_keep_their_type():
    axes = [
        Axis(key="c", choices=(1, True, "one", 1.0)),
        Axis(key="n", low=1, high=100, scale="log", whole=True),
    ]
    trials = search(axes, [1], lambda rows: [Answer(objectives=(1.0,)) for _ in rows],
                    trials=40, batch=10, sampler="nsga2", seed=2, first=[{"c": True, "n": 7}])  # fmt: skip
    assert trials[0].values == {"c": True, "n": 7}
    assert {type(trial.values["c"]) for trial in trials} == {int, bool, str, float}
    assert all(isinstance(trial.values["n"], int) for trial in trials)


def test_finalists_spread_over_the_front():
    trials = [
        Trial(number=k, values={"x": float(k)}, answer=Answer(objectives=(float(k), float(10 - k))))
        for k in range(11)
    ] + [Trial(number=11, values={"x": 99.0}, answer=Answer(objectives=(-5.0, -5.0), violations=(0.1,)))]
    chosen = choose_finalists(trials, [1, 1], 3)
    assert len(chosen) == 3
    assert all(trial.feasible for trial in chosen)
    middle = [trial.number for trial in chosen]
    assert max(middle) - min(middle) >= 4
    assert choose_finalists(trials[:1] * 2, [1, 1], 5) == trials[:1]


def test_positions_become_parameters():
    axes = [
        Axis(key="a.ratio", low=0.0, high=3.0),
        Axis(key="a.scale", low=0.01, high=1.0, scale="log"),
        Axis(key="a.n_seconds", low=10, high=20, whole=True),
    ]
    rows = rows_of(axes, np.array([[0.0, 0.5, 0.26], [1 / 3, 1.0, 1.0], [0.0, 0.5, 0.26]]))
    assert rows[0] == {"a.ratio": 0.0, "a.scale": 0.1, "a.n_seconds": 13}
    assert rows[1] == {"a.ratio": 1.0, "a.scale": 1.0, "a.n_seconds": 20}
    assert distinct(rows) == (rows[:2], [0, 1, 0])
    assert overrides_of({"x": "y", "b": True, "f": 0.1}) == ('x="y"', "b=true", "f=0.1")


def test_constraints_are_judged_by_their_bound():
    samples = Samples(
        values={"insolvent": np.zeros((1, 59)), "margin_coverage": np.full((1, 59), 0.97)},
        paths=np.arange(59), clusters=np.arange(59), planned=59,
    )  # fmt: skip
    never = Constraint(metric="insolvent", limit=0.05, at_most=True, confidence=0.95)
    assert never.violation(never.bounds(samples)[0]) <= 0.0  # 1 - 0.05 ** (1/59) = 4.95 %
    assert never.least_paths() == 59
    tighter = Constraint(metric="insolvent", limit=0.04, at_most=True, confidence=0.95)
    assert tighter.violation(tighter.bounds(samples)[0]) > 0.0  # none in 59 does not establish 4 %
    assert Constraint(metric="insolvent", limit=0.01, at_most=True, confidence=0.95).least_paths() == 299
    assert Constraint(metric="insolvent", limit=0.0, at_most=True, confidence=0.95).least_paths() == 0
    covered = Constraint(metric="margin_coverage", limit=0.98, at_most=False, confidence=0.95)
    assert covered.violation(covered.bounds(samples)[0]) == pytest.approx(0.01)


def test_bounds_of_means_leave_one_side_open():
    values = Streams(1).draw("x").normal(50)
    bound = Constraint(metric="bad_debt_ratio", limit=1.0, at_most=True, confidence=0.95).bound(
        values, np.arange(50)
    )
    assert bound.lower == -math.inf
    # Student's 95 % point with 49 degrees of freedom is 1.6766; the tail moves the bound out, not in.
    student = values.mean() + 1.6766 * values.std(ddof=1) / math.sqrt(50)
    assert student < bound.upper < student + 0.1 * values.std(ddof=1)
    assert bound.upper == pytest.approx(path_interval(values, MEAN, confidence=0.9).upper)


class Noisy:
    """Loss = (1 - y) / 10 plus noise of its own for each parameter set and path: luck to be chosen from."""

    def __init__(self, noise, paths=40, fresh=400):
        self.noise, self.paths, self.fresh = noise, paths, fresh

    def samples(self, rows, start, stop):
        loss = np.stack(
            [
                0.1 * (1 - row["y"]) + self.noise * Streams(1).series(json.dumps(row)).normal(start, stop)
                for row in rows
            ]
        )
        cost = np.stack([np.full(stop - start, row["y"]) for row in rows])
        paths = np.arange(start, stop)
        return Samples(
            values={
                "mean_initial_margin_ratio": cost,
                "bad_debt_ratio": loss,
                "insolvent": np.zeros_like(cost),
            },
            paths=paths, clusters=paths, planned=stop - start,
        )  # fmt: skip

    def run(self, rows):
        return [self.samples([row], 0, self.paths) for row in rows]

    def run_fresh(self, rows, _names):
        return self.samples(rows, 0, self.paths), self.samples(rows, self.paths, self.paths + self.fresh)


SETTINGS = Settings(
    objectives=(
        Objective(metric="mean_initial_margin_ratio", statistic="mean", sign=1),
        Objective(metric="bad_debt_ratio", statistic="mean", sign=1),
    ),
    constraints=(Constraint(metric="insolvent", limit=0.2, at_most=True, confidence=0.95),),
    sampler="nsga2", trials=60, batch=12, finalists=4, simplify=True, resamples=300, confidence=0.95, seed=5,
)  # fmt: skip
AXES = [Axis(key="y", low=0.0, high=1.0), Axis(key="z", low=0.0, high=1.0)]


def optimised(noise):
    source = Noisy(noise)
    return optimise(
        AXES, SETTINGS, source.run, source.run_fresh,
        current={"y": 0.5, "z": 0.5},
        changes=lambda row: sum(row[key] != 0.5 for key in row),
    )  # fmt: skip


def test_the_optimisers_curse_is_shown():
    # Luck of 0.3 per path, 0.047 in the mean of 40: the search picks the luckiest of 60, fresh paths take
    # it back.
    found = optimised(0.3)
    assert found.trials[0].values == {"y": 0.5, "z": 0.5}
    assert found.contenders[0].name == "current"
    chosen = [one for one in found.contenders if one.trial is not None]
    assert chosen
    assert found.mean_shrinkage[1] > 0.02
    assert found.mean_shrinkage[0] == pytest.approx(0.0, abs=1e-12)  # cost is the same on every path
    assert found.promised_hypervolume > found.fresh_hypervolume
    for one in chosen:
        expected = one.fresh[1].estimate - one.searched[1].estimate
        assert one.shrinkage[1].estimate == pytest.approx(expected)


def test_without_noise_nothing_shrinks():
    found = optimised(0.0)
    assert found.mean_shrinkage == pytest.approx((0.0, 0.0), abs=1e-12)
    assert found.promised_hypervolume == pytest.approx(found.fresh_hypervolume)


def test_simplified_finalists_take_the_place_of_what_they_equal():
    # z does nothing: every finalist has a twin with z as it is, which changes one value less.
    found = optimised(0.0)
    simple = [found.contenders[at] for at, point in enumerate(found.front.points) if point.simple]
    assert simple
    assert all(one.values["z"] == 0.5 for one in simple)


def test_limits_nobody_keeps_are_named():
    source = Noisy(0.0)
    settings = Settings(
        **{
            **{name: getattr(SETTINGS, name) for name in SETTINGS.__slots__},
            "constraints": (Constraint(metric="bad_debt_ratio", limit=-1.0, at_most=True, confidence=0.95),),
        }
    )
    with pytest.raises(RunError, match="bad_debt_ratio <= -1 was missed by at least"):
        optimise(AXES, settings, source.run, source.run_fresh, current=None, changes=len)
