"""Suites: which files, which verdicts, and that nothing passes by not being asked."""

from pathlib import Path

import pytest

from sim.core.errors import InputError, InvariantViolation
from sim.engine import run as engine_run
from sim.experiments.suites.suite import EXERCISED_NOTHING, Expectation, Verdict, run_suite, scenario_files
from tests.unit.sim.experiments.suites.conftest import PASSING, QUIET, write_scenario


def test_files_of_a_folder_are_its_toml_files_in_order(tmp_path):
    for name in ("b.toml", "a.toml", "notes.md"):
        (tmp_path / name).write_text("")
    (tmp_path / "deeper").mkdir()
    (tmp_path / "deeper" / "c.toml").write_text("")
    assert scenario_files([tmp_path]) == (tmp_path / "a.toml", tmp_path / "b.toml")


def test_files_named_twice_run_once(tmp_path):
    path = tmp_path / "a.toml"
    path.write_text("")
    assert scenario_files([path, tmp_path, tmp_path / ".." / tmp_path.name / "a.toml"]) == (path,)


def test_files_of_an_empty_folder_are_bad_input(tmp_path):
    with pytest.raises(InputError, match="holds no scenario"):
        scenario_files([tmp_path])
    with pytest.raises(InputError, match="at least one"):
        scenario_files([])


def test_suite_runs_the_rest_after_a_bad_file(mixed):
    scenarios, _, result = mixed
    assert [(outcome.name, outcome.verdict) for outcome in result.outcomes] == [
        ("a_bad", Verdict.BAD_INPUT),
        ("b_failing", Verdict.FAILED),
        ("c_passing", Verdict.PASSED),
        ("d_silent", Verdict.PASSED),
    ]
    bad = result.outcomes[0]
    assert len(bad.problems) == 1
    assert bad.problems[0].startswith(f"{scenarios / 'a_bad.toml'}:")
    assert "min_liquidatons" in bad.problems[0]
    assert result.exit_code == 2


def test_failed_line_says_bound_and_value(mixed):
    failing = mixed[2].outcomes[1]
    found = failing.summary["liquidations"]
    assert found > 2
    assert failing.failures == (f"expected liquidations <= 2: was {found}",)
    assert {item.bound: item.met for item in failing.expectations} == {
        "liquidations >= 1": True,
        "liquidations <= 2": False,
    }


def test_bound_of_a_line_that_holds_the_separator_is_whole():
    assert Expectation(line="digest == a: was b: was c", met=False).bound == "digest == a: was b"


def test_expecting_only_what_every_run_meets_is_said(mixed):
    assert [outcome.expects_nothing for outcome in mixed[2].outcomes[1:]] == [False, False, True]


def test_no_expect_at_all_expects_nothing_and_passes(tmp_path):
    result = run_suite([write_scenario(tmp_path, "silent", blocks=2)])
    assert (result.outcomes[0].verdict, result.outcomes[0].expects_nothing) == (Verdict.PASSED, True)
    assert result.exit_code == 0
    assert result.outcomes[0].folder is None


def test_run_in_which_nothing_happened_fails(tmp_path):
    quiet = tmp_path / "quiet.toml"
    quiet.write_text(QUIET + "[expect]\nmax_bad_debt = 0.0\n")
    result = run_suite([quiet])
    outcome = result.outcomes[0]
    assert [item.met for item in outcome.expectations] == [True]
    assert outcome.verdict is Verdict.FAILED
    assert outcome.failures == (EXERCISED_NOTHING,)
    assert result.exit_code == 1


def test_another_world_is_run_only_for_an_expectation_about_it(tmp_path, mixed):
    assert mixed[2].outcomes[2].summary["excess_share"] is None
    outcome = run_suite([write_scenario(tmp_path, "twin", "min_excess_share = -1.0", blocks=12)]).outcomes[0]
    assert outcome.verdict is Verdict.PASSED
    assert [item.bound for item in outcome.expectations] == ["excess_share >= -1.0"]
    assert outcome.summary["excess_share"] is not None


def test_equal_names_are_told_apart(tmp_path):
    files = [write_scenario(tmp_path / folder, "same", blocks=1) for folder in ("x", "y")]
    result = run_suite(files, runs=tmp_path / "runs")
    assert [outcome.name for outcome in result.outcomes] == ["same", "same-2"]
    assert [outcome.folder for outcome in result.outcomes] == [
        tmp_path / "runs" / "same",
        tmp_path / "runs" / "same-2",
    ]
    assert result.outcomes[0].digest == result.outcomes[1].digest


def test_broken_invariant_fails_and_leaves_its_crash_report(tmp_path, monkeypatch):
    def broken(*_: object, **__: object) -> None:
        raise InvariantViolation("C7", 3, "bad debt is not allocated", {"bad_debt": 5})

    monkeypatch.setattr(engine_run, "execute", broken)
    result = run_suite([write_scenario(tmp_path, "broken", PASSING)], runs=tmp_path / "runs")
    outcome = result.outcomes[0]
    assert outcome.verdict is Verdict.FAILED
    assert outcome.failures == ("C7 broken at block 3: bad debt is not allocated (bad_debt=5)",)
    assert outcome.digest is None
    assert (tmp_path / "runs" / "broken-crash" / "crash.json").is_file()
    assert result.exit_code == 1


def test_run_that_cannot_be_finished_is_neither_failed_nor_bad(tmp_path):
    blocker = tmp_path / "runs"
    blocker.write_text("a file where the run folders should go")
    result = run_suite([write_scenario(tmp_path, "a", blocks=1)], runs=blocker)
    assert result.outcomes[0].verdict is Verdict.UNFINISHED
    assert result.exit_code == 3


def test_watch_is_opened_around_each_run_and_told_every_block(tmp_path):
    from contextlib import contextmanager

    seen: list[object] = []

    @contextmanager
    def watch(scenario):
        seen.append(scenario.name)
        yield lambda progress: seen.append(progress.block)
        seen.append("closed")

    bad = tmp_path / "bad.toml"
    bad.write_text("")
    run_suite([bad, write_scenario(tmp_path, "good", blocks=2)], watch=watch)
    assert seen == ["good", 1, 2, "closed"]


def test_sources_are_kept_as_given(mixed):
    scenarios, _, result = mixed
    assert [outcome.source for outcome in result.outcomes] == sorted(Path(scenarios).glob("*.toml"))
