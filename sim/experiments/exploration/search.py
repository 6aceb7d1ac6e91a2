"""Search of the parameter space: ask optuna for a batch, evaluate it, tell the answers in order.

A batch is asked before any of its answers is told, and its size is the experiment's, not the number of
workers: the trials depend on seed, batch and answers alone. Resuming asks again from the beginning; answers
already in the ledger come back at once and lead to the same trials.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from sim.core.rng import Streams
from sim.experiments.exploration.axes import Axis
from sim.experiments.exploration.numbers import library_seed
from sim.experiments.sweep.design import Value

if TYPE_CHECKING:
    import optuna

Sampler = Literal["nsga2", "tpe"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of one trial."""

    objectives: tuple[float, ...] | None
    """In the unit and sense of the metrics; None if the parameters could not be run."""
    violations: tuple[float, ...] = ()
    """One for each constraint: up to 0 if it holds, its distance from the limit otherwise."""
    note: str = ""
    """Why it could not be run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One parameter set that was tried."""

    number: int
    values: dict[str, Value]
    answer: Answer

    @property
    def feasible(self) -> bool:
        """Whether it ran and every constraint holds."""
        return self.answer.objectives is not None and all(value <= 0.0 for value in self.answer.violations)


Evaluate = Callable[[Sequence[dict[str, Value]]], Sequence[Answer]]


def search(
    axes: Sequence[Axis],
    signs: Sequence[int],
    evaluate: Evaluate,
    *,
    trials: int,
    batch: int,
    sampler: Sampler,
    seed: int,
    first: Sequence[dict[str, Value]] = (),
) -> list[Trial]:
    """Return the trials of a search, in order.

    Parameters
    ----------
    axes
        The space.
    signs
        One for each objective, 1 to minimise and -1 to maximise.
    evaluate
        Answers of a batch, in its order. Must depend on the parameters alone.
    trials, batch
        How many in all and at a time; a batch is one generation of NSGA-II.
    sampler, seed
        NSGA-II (Deb and others, IEEE Transactions on Evolutionary Computation 6, 2002) with constrained
        domination, or multi-objective TPE, as optuna implements them.
    first
        Parameter sets tried before anything else, such as the current ones.
    """
    import optuna  # noqa: PLC0415  (slow to import, and an extra)

    number = library_seed(Streams(seed), "optimise:sampler")
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        study = optuna.create_study(
            directions=["minimize" if sign > 0 else "maximize" for sign in signs],
            sampler=_sampler(sampler, number, batch),
        )
        for values in first:
            study.enqueue_trial({axis.key: _asked(axis, values[axis.key]) for axis in axes})
        done: list[Trial] = []
        while len(done) < trials:
            asked = [study.ask() for _ in range(min(batch, trials - len(done)))]
            wanted = [{axis.key: _suggested(trial, axis) for axis in axes} for trial in asked]
            answers = evaluate(wanted)
            for trial, values, answer in zip(asked, wanted, answers, strict=True):
                _tell(study, trial, answer)
                done.append(Trial(number=trial.number, values=values, answer=answer))
    finally:
        optuna.logging.set_verbosity(before)
    return done


def _sampler(kind: Sampler, seed: int, batch: int) -> optuna.samplers.BaseSampler:
    import optuna  # noqa: PLC0415  (slow to import, and an extra)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        if kind == "nsga2":
            return optuna.samplers.NSGAIISampler(population_size=max(batch, 2), seed=seed)
        return optuna.samplers.TPESampler(
            seed=seed, n_startup_trials=batch, multivariate=True, constant_liar=True
        )


def _suggested(trial: optuna.trial.Trial, axis: Axis) -> Value:
    if axis.choices:
        # By position: optuna compares choices with ==, which takes 1, 1.0 and true for the same.
        return axis.choices[trial.suggest_categorical(axis.key, range(len(axis.choices)))]
    if axis.whole:
        return trial.suggest_int(axis.key, int(axis.low), int(axis.high), log=axis.scale == "log")
    return axis.written(trial.suggest_float(axis.key, axis.low, axis.high, log=axis.scale == "log"))


def _tell(study: optuna.Study, trial: optuna.trial.Trial, answer: Answer) -> None:
    import optuna  # noqa: PLC0415  (slow to import, and an extra)

    if answer.objectives is None:
        study.tell(trial, state=optuna.trial.TrialState.FAIL)
        return
    for index, violation in enumerate(answer.violations):
        trial.set_constraint(f"c{index}", violation)
    study.tell(trial, list(answer.objectives))


def _asked(axis: Axis, value: Value) -> Value:
    """Return a value as optuna holds it: a choice by its position."""
    if not axis.choices:
        return value
    return next(
        index for index, choice in enumerate(axis.choices) if value == choice and type(value) is type(choice)
    )
