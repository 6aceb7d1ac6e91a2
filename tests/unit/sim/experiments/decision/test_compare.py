"""The course of a comparison, with made-up paths in place of simulated ones."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sim.core.errors import InputError, RunError
from sim.experiments.decision import compare as module
from sim.experiments.decision.compare import prepare_comparison, run_comparison
from sim.experiments.decision.enactment import Enacting
from sim.experiments.decision.plan import load_plan
from sim.experiments.decision.record import comparison_record
from sim.experiments.decision.registration import confirmation_seed
from sim.experiments.decision.verdict import Word
from sim.experiments.sweep.result import Failure
from sim.reporting.findings.compare import compare_findings
from sim.reporting.pages.html import render_html
from sim.reporting.pages.post import render_post
from tests.support.small_run import SCENARIO

PLAN = """
paths = 80
confirmation_paths = 90
price_models = ["gbm", "kou", "garch_t"]
[[endpoints]]
metric = "bad_debt_ratio"
role = "solvency"
margin = 0.01
largest = 0.05
superiority = true
[[endpoints]]
metric = "insolvent"
role = "solvency"
margin = 0.1
"""


@dataclass
class Paths:
    """What a sweep would have left."""

    folder: Path
    frame: pd.DataFrame
    failures: tuple = ()
    unanswered: int = 0
    digest: str = "d" * 64
    completed: int = 0
    total: int = 0
    label: str = "some paths"
    asked: list = field(default_factory=list)

    @property
    def violations(self):
        return tuple(failure for failure in self.failures if failure.kind == "invariant")

    def paths(self):
        return self.frame


def frame(plan, effect, *, drop=()):
    """Bad debt of each path, moved by `effect(cell)` in the proposed arm."""
    rng = np.random.default_rng(plan.seed % 2**32)
    base = rng.uniform(0.01, 0.02, plan.paths)
    rows = [
        {"point": point.index, "path": path, "bad_debt_ratio": base[path] + shift, "insolvent": 0.0}
        for point in plan.points
        for shift in [effect(point.index // 2) if point.index % 2 else 0.0]
        for path in range(plan.paths)
        if (point.index, path) not in drop
    ]
    return pd.DataFrame(rows)


@pytest.fixture
def compare(tmp_path, monkeypatch):
    nothing = Enacting(proposals=(), enactment=None, parameters=(), obstacles=())
    monkeypatch.setattr(module, "enact_change", lambda _arms: nothing)
    monkeypatch.setattr(module, "distances", lambda _arms: ())
    (tmp_path / "plan.toml").write_text(PLAN)
    (tmp_path / "current.toml").write_text("[protocol.liquidation]\nbuffer = 0.1\n")
    (tmp_path / "proposed.toml").write_text("[protocol.liquidation]\nbuffer = 0.2\n")
    plan, _ = load_plan(tmp_path / "plan.toml")

    def run(effect, *, fresh=None, drop=(), failures=(), unanswered=0, proposed="proposed", out="out"):
        asked = []
        prepared = prepare_comparison(
            tmp_path / "current.toml", tmp_path / f"{proposed}.toml", scenario=SCENARIO, plan=plan
        )

        def runner(paths, place):
            assert (tmp_path / out / "registration.json").is_file()  # before the first path
            asked.append(paths)
            made = fresh if fresh is not None and len(asked) == 2 else effect
            return Paths(
                folder=place,
                frame=frame(paths, made, drop=drop),
                failures=failures,
                unanswered=unanswered,
            )

        return run_comparison(prepared, tmp_path / out, run=runner), asked

    return run


def test_better_is_asked_twice_with_a_seed_of_its_own(compare):
    found, asked = compare(lambda _cell: -0.005)
    assert found.word is Word.BETTER
    assert found.exit_code == 0
    first, fresh = asked
    assert (first.paths, fresh.paths) == (80, 90)
    assert fresh.seed == confirmation_seed(first.seed) != first.seed
    assert fresh.points == first.points
    assert "confirmed on 90 fresh paths" in found.reasons


def test_better_that_is_not_confirmed_is_not_better(compare):
    found, _ = compare(lambda _cell: -0.005, fresh=lambda _cell: 0.0)
    assert (found.word, found.exit_code) == (Word.NOT_WORSE, 0)
    assert "better on the first 80 paths, but not worse on 90 fresh ones" in found.reasons[0]
    assert "not worse on 90 fresh paths" in render_html(compare_findings(found))


def test_nothing_else_is_asked_twice(compare):
    for out, (effect, word) in enumerate(
        [
            (lambda _cell: 0.0, Word.NOT_WORSE),
            (lambda _cell: 0.02, Word.WORSE),
            (lambda _cell: 0.01, Word.UNDETERMINED),
        ]
    ):
        found, asked = compare(effect, out=f"out{out}")
        assert found.word is word
        assert len(asked) == 1
        assert found.exit_code == (0 if word is Word.NOT_WORSE else 1)


def test_flips_are_named_everywhere(compare):
    found, _ = compare(lambda cell: -0.005 if cell < 3 else 0.004)
    assert found.word is Word.UNDETERMINED
    cells = [cell.name for cell in found.cells]
    for text in (
        render_html(compare_findings(found)),
        render_post(compare_findings(found)),
        str(comparison_record(found)),
    ):
        assert "bad_debt_ratio" in text
        assert all(name in text for name in cells)
    (flip,) = comparison_record(found)["decision"]["flips"]
    assert (flip["helped_in"], flip["harmed_in"]) == (cells[:3], cells[3:])


def test_a_broken_invariant_is_undetermined_at_best(compare):
    broken = Failure(
        point=1,
        path=7,
        reason="SOLV-1 broken",
        kind="invariant",
        attempts=1,
        invariant="SOLV-1",
        command="seawall",
    )
    found, asked = compare(lambda _cell: -0.005, drop={(1, 7)}, failures=(broken,))
    assert found.word is Word.UNDETERMINED
    assert "1 paths broke an invariant, the first SOLV-1" in found.reasons[0]
    assert len(asked) == 1
    assert "could not be finished" in render_html(compare_findings(found))


def test_a_formula_that_failed_is_undetermined_at_best(compare):
    found, asked = compare(lambda _cell: -0.005, unanswered=3)
    assert found.word is Word.UNDETERMINED
    assert found.exit_code == 1
    assert "in 3 paths of either arm a margin formula had no good answer" in found.reasons[0]
    assert len(asked) == 1


def test_paths_that_are_missing_in_one_arm_are_counted(compare):
    found, _ = compare(lambda _cell: -0.005, drop={(1, 7), (1, 8)})
    assert found.word is Word.UNDETERMINED
    assert "2 of 80 paths have a value in one arm only" in found.reasons[0]


def test_equal_parameters_that_differ_are_a_defect(compare):
    with pytest.raises(RunError, match="the same parameters gave different numbers on the same paths"):
        compare(lambda _cell: 0.001, proposed="current")


def test_worst_paths_are_those_harmed_most(compare):
    found, _ = compare(lambda cell: 0.001 * (cell + 1))
    assert [item.cell for item in found.worst] == [found.cells[-1].name] * len(found.worst)
    assert found.worst[0].margins == pytest.approx(0.6)
    assert "buffer=0.2" in found.worst[0].commands[1]


def test_a_changed_registration_is_another_comparison(compare, tmp_path):
    compare(lambda _cell: 0.0)
    (tmp_path / "proposed.toml").write_text("[protocol.liquidation]\nbuffer = 0.3\n")
    with pytest.raises(InputError, match="holds another comparison"):
        compare(lambda _cell: 0.0)


def stated(frame, **columns):
    """Add what paths say of block 0: one value for the current arm, one for the proposed."""
    is_proposed = frame["point"] % 2 == 1
    for name, (current, proposed) in columns.items():
        frame[name] = np.where(is_proposed, proposed, current)
    return frame


BLOCK_0 = {
    "start_liquidatable_accounts": (0.0, 3.0),
    "start_liquidatable_notional": (0.0, 45_000.0),
    "start_short_accounts": (0.0, 7.0),
    "start_short_notional": (0.0, 81_000.0),
    "start_below_initial_accounts": (1.0, 30.0),
    "start_below_initial_notional": (5_000.0, 2_000_000.0),
    "start_collateral": (1_112_743.418168, 1_112_743.418168),
    "capital_added_at_set_up": (812.5, 812.5),
    "added_capital": (20.0, 31.0),
}


def test_the_page_begins_with_who_is_hit_at_once(compare, monkeypatch):
    plain = frame
    monkeypatch.setitem(globals(), "frame", lambda *given, **more: stated(plain(*given, **more), **BLOCK_0))
    found, _ = compare(lambda _cell: 0.0)
    page = compare_findings(found)
    question, answer = page.verdict.answers[0]
    assert question == "At once"
    assert answer.startswith("can be liquidated: 3 accounts with 45.0")
    assert "k (nobody under the current rules); below maintenance once the ramp has passed: 7" in answer
    assert "below initial margin: 30 accounts with 2.00" in answer
    assert "(1 account with 5,000 under the current rules)" in answer
    first = page.sections[0]
    assert first.heading == "At once"
    table = next(block for block in first.blocks if block.block == "table")
    rows = {row[0]: row[1:] for row in table.rows}
    assert rows["Collateral at the start"] == ("1,112,743.418168",) * 2
    assert rows["Added at set-up, to be admitted at all"] == ("812.5",) * 2
    assert rows["Added in the run, mean of all paths"] == ("20", "31")
    assert "the same collateral to the last unit" in table.note
    assert comparison_record(found)["at_once"]["same_collateral"] is True
    assert "a still price" in first.blocks[0].text


def test_another_unit_of_collateral_is_not_the_same(compare, monkeypatch):
    plain = frame
    other = BLOCK_0 | {"start_collateral": (1_112_743.418168, 1_112_743.418169)}
    monkeypatch.setitem(globals(), "frame", lambda *given, **more: stated(plain(*given, **more), **other))
    found, _ = compare(lambda _cell: 0.0)
    assert not found.at_once.same_collateral
    assert "The arms do not hold the same collateral" in render_html(compare_findings(found))


def test_the_post_has_a_title_a_chart_and_no_file_names(compare):
    found, _ = compare(lambda _cell: 0.02)
    post = render_post(compare_findings(found))
    assert post.startswith("# Buffer: 10.0")
    assert "proposed against current" not in post
    chart = post.split("```")[1].strip("\n").split("\n")
    assert "in units of the margin" in chart[0]
    assert len(chart) == 1 + len(found.decision.pooled) + 1
    assert max(len(line) for line in chart) <= 80
    zero, margin = chart[0].index("  0 ") + 2, chart[0].index("  1 ") + 2
    row = chart[1]
    assert row[zero] == "|"
    assert row[margin] == ":"
    assert row.rindex("o") > margin  # beyond its margin
    why = next(line for line in post.split("\n") if line.startswith("- **Why**"))
    assert why.count("bad debt ratio is worse by") == 1  # one reason, six cells
    assert "(and beyond it in 5 more cells)" in why
