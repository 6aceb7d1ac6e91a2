"""``--shadow``: which paths run again on another engine, what is recorded, and that a difference binds."""

import json

import pytest

from sim.chain import chain
from sim.chain.backend import EngineRefused, Log
from sim.chain.chain import default_engine, engines_here, other_engines
from sim.cli import main
from sim.core.errors import InputError
from sim.engine import paths
from sim.engine.paths import PathOptions, run_path
from sim.experiments.sweep.ledger import Ledger
from sim.experiments.sweep.plan import Plan
from sim.experiments.sweep.result import SweepResult
from sim.experiments.sweep.runner import run_plan
from sim.experiments.sweep.shadow import EnginesDisagree, shadow
from sim.experiments.sweep.tasks import forget
from tests.support.small_run import small_scenario
from tests.support.small_sweep import CHEAP, small_experiment, small_plan

FIRST = default_engine()
SECOND = other_engines(FIRST)[0]


@pytest.fixture(autouse=True)
def fresh_foundations():
    """A foundation made on one test's engine must not serve the next test."""
    forget()
    yield
    forget()


@pytest.fixture
def replaced(monkeypatch):
    """Put another class in the place of the engine that checks."""

    def replace(change):
        module, name, package = chain._BACKENDS[SECOND]
        backend = getattr(__import__(module, fromlist=[name]), name)
        made = type("Replaced", (backend,), change(backend))
        monkeypatch.setitem(globals(), "Replaced", made)
        monkeypatch.setitem(chain._BACKENDS, SECOND, (__name__, "Replaced", package))

    return replace


def with_one_event_more(backend):
    """Return a fault that neither the mirror nor any check of a block can see."""

    def transact(self, sender, nonce, to, data):
        outcome = backend.transact(self, sender, nonce, to, data)
        return outcome._replace(logs=[*outcome.logs, Log("0x" + "00" * 20, [bytes(32)], b"")])

    return {"transact": transact}


def with_a_lost_event(backend):
    """Return a fault that the mirror sees at once."""

    def transact(self, sender, nonce, to, data):
        outcome = backend.transact(self, sender, nonce, to, data)
        return outcome._replace(logs=outcome.logs[:-1])

    return {"transact": transact}


def refusing(backend):
    def transact(self, *_):
        raise EngineRefused("SELFDESTRUCT")

    return {"transact": transact, "deploy": lambda self, *_: transact(self)}


def shadowed(folder):
    with Ledger(folder, read_only=True) as ledger:
        return {(run.point, run.path): run.shadow for run in ledger.runs() if run.shadow is not None}


def test_a_larger_share_holds_every_smaller_one_and_the_first_path():
    def chosen(share, **changes):
        plan = small_plan(paths=1_000, points=3, shadow=share, **changes)
        return {(point, path) for point in range(3) for path in range(1_000) if plan.is_shadowed(point, path)}

    none, few, more, everything = (chosen(share) for share in (0.0, 0.01, 0.1, 1.0))
    assert none == set()
    assert (0, 0) in few < more < everything
    assert len(everything) == 3_000
    assert 15 < len(few) < 50
    assert 230 < len(more) < 370
    assert chosen(1e-9) == {(0, 0)}


def test_other_seeds_choose_others():
    first = small_plan(paths=1_000, shadow=0.1)
    other = Plan(scenario=first.scenario, seed=12, paths=1_000, points=first.points, shadow=0.1)
    assert any(first.is_shadowed(0, path) != other.is_shadowed(0, path) for path in range(1_000))


def test_engines_that_agree_change_no_number_and_are_written_down(tmp_path):
    plain = run_plan(small_plan(), tmp_path / "plain")
    plan = small_plan(shadow=0.4, worlds="none")
    result = run_plan(plan, tmp_path / "shadow")
    wanted = {
        (point, path): SECOND for point in range(2) for path in range(6) if plan.is_shadowed(point, path)
    }
    assert 1 < len(wanted) < 12
    assert shadowed(tmp_path / "shadow") == wanted
    assert result.provenance()["shadow"] == {"share": 0.4, "agreed": {SECOND: len(wanted)}}
    assert plain.provenance()["shadow"] is None
    assert result.digest == plain.digest
    assert result.exit_code == 0


def test_a_difference_names_path_engines_and_digests_and_fails(tmp_path, replaced, capsys):
    replaced(with_one_event_more)
    plan = small_plan(shadow=1e-9)
    result = run_plan(plan, tmp_path / "out")
    (failure,) = result.failures
    assert (failure.point, failure.path, failure.kind, failure.invariant) == (0, 0, "invariant", "J4")
    right, wrong = (
        run_path(
            small_scenario(*plan.points[0].overrides, *plan.path_overrides(0)),
            PathOptions(path=0, engine=engine),
        ).digest
        for engine in (FIRST, SECOND)
    )
    assert right != wrong
    assert failure.reason == f"{FIRST} has digest {right}, {SECOND} has {wrong}"
    assert (result.exit_code, result.completed) == (1, 11)
    with Ledger(tmp_path / "out", read_only=True) as ledger:
        assert next(ledger.runs()).state == "invariant"
    capsys.readouterr()
    assert main(["sweep", str(tmp_path / "out"), "--workers", "0"]) == 1  # and it stays one
    assert right in capsys.readouterr().err


def test_another_engine_that_breaks_a_check_is_a_difference_too(replaced):
    replaced(with_a_lost_event)
    scenario, options = small_scenario(*CHEAP), PathOptions(path=0)
    outcome = run_path(scenario, options)
    with pytest.raises(EnginesDisagree, match=f"{FIRST} has digest {outcome.digest}, {SECOND} stopped: "):
        shadow(scenario, options, outcome, paths.WarmStarts())


def test_what_the_next_engine_refuses_the_one_after_it_does(replaced):
    replaced(refusing)
    scenario, options = small_scenario(*CHEAP), PathOptions(path=0)
    outcome = run_path(scenario, options)
    rest = other_engines(FIRST)[1:]
    assert shadow(scenario, options, outcome, paths.WarmStarts()) == (rest[0] if rest else None)


def test_the_twin_is_checked_on_the_other_engine_too(monkeypatch):
    ran = []
    work = paths.on_an_engine
    monkeypatch.setattr(paths, "on_an_engine", lambda engine, run: ran.append(engine) or work(engine, run))
    scenario = small_scenario(*CHEAP)
    for is_check, wanted in ((False, [SECOND, None]), (True, [SECOND, SECOND])):
        ran.clear()
        run_path(scenario, PathOptions(path=0, worlds="forced", engine=SECOND, is_check=is_check))
        assert ran == wanted


def test_a_metric_that_differs_under_one_digest_is_a_difference():
    scenario, options = small_scenario(*CHEAP), PathOptions(path=0)
    outcome = run_path(scenario, options)
    object.__setattr__(outcome, "summary", {**outcome.summary, "reverted": 999})
    with pytest.raises(EnginesDisagree, match=f"reverted: {FIRST} has 999.0, {SECOND} has "):
        shadow(scenario, options, outcome, paths.WarmStarts())


def test_going_on_keeps_to_the_share_of_the_folder(tmp_path):
    experiment, out = small_experiment(tmp_path, paths=4), tmp_path / "out"
    assert main(["sweep", str(experiment), "--out", str(out), "--workers", "0", "--shadow", "0.5"]) == 0
    before, digest = shadowed(out), SweepResult.open(out).digest
    assert len(before) > 1
    with Ledger(out) as ledger:
        ledger._database.execute("DELETE FROM runs WHERE path < 2")
    assert main(["sweep", str(out), "--workers", "0"]) == 0
    assert (shadowed(out), SweepResult.open(out).digest) == (before, digest)
    assert json.loads((out / "sweep.json").read_text())["shadow"]["share"] == 0.5


def test_going_on_with_another_share_leaves_what_is_finished(tmp_path):
    experiment, out = small_experiment(tmp_path, paths=2), tmp_path / "out"
    assert main(["sweep", str(experiment), "--out", str(out), "--workers", "0"]) == 0
    with Ledger(out) as ledger:
        ledger._database.execute("DELETE FROM runs WHERE path = 1")
    assert main(["sweep", str(out), "--workers", "0", "--shadow", "1"]) == 0
    assert shadowed(out) == {(0, 1): SECOND, (1, 1): SECOND}


@pytest.mark.parametrize("share", ["-0.1", "1.5", "nan"])
def test_a_share_that_is_none_is_bad_input(share, tmp_path, capsys):
    experiment = small_experiment(tmp_path, paths=1)
    assert main(["sweep", str(experiment), "--out", str(tmp_path / "out"), "--shadow", share]) == 2
    assert "--shadow" in capsys.readouterr().err


def test_a_folder_that_asks_for_an_impossible_share_is_damaged(tmp_path):
    plan = small_plan(paths=1, points=1, shadow=0.5)
    run_plan(plan, tmp_path / "out")
    place = tmp_path / "out" / "inputs" / "plan.json"
    place.write_text(place.read_text().replace('"shadow": 0.5', '"shadow": 7.5'))
    with Ledger(tmp_path / "out") as ledger:
        known = ledger.plan()
        ledger.set_plan({**known, "inputs": None})
    from sim.experiments.sweep.inputs import read_plan

    with pytest.raises(InputError, match="shadow is a share from 0 to 1"):
        read_plan(tmp_path / "out")


def test_the_engine_that_ran_is_never_the_one_that_checks():
    for engine in engines_here():
        assert engine not in other_engines(engine)
        assert len(other_engines(engine)) == len(engines_here()) - 1
