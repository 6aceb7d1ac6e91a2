"""A world in which nothing could happen ran to its end, exited with 0 and said that nobody was liquidated.

A replay outside its file had a flat price, a stale oracle and not one transaction. Each such world is bad
input now, unless the scenario says that it is meant.
"""

from __future__ import annotations

import json

import pytest

from sim.cli.entry import main
from tests.support.small_run import SCENARIO

FEW = ("traders.0.count=8", "blocks=4", "whales=[]")
EVERYBODY_OUT = "duration_minutes=60.0, size=1.0"

IDLE = {
    "no_accounts": (
        ("traders=[]", "whales=[]", "blocks=4"),
        "no account starts with a position, so nobody can be liquidated; give it traders",
    ),
    "nobody": ((*FEW, "liquidators.count=0"), "nobody can liquidate: there is none; raise it"),
    "no_capital": ((*FEW, "liquidators.capital=0.0"), "nobody can liquidate: none of them has any; raise it"),
    "no_gas": (
        (*FEW, "chain.native_balance=0.0"),
        "nobody can liquidate: none of them can pay for gas; raise it",
    ),
    "asleep": (
        (*FEW, f'shocks=[{{kind="liquidator_outage", at_block=0, {EVERYBODY_OUT}}}]'),
        "nobody can liquidate: all are silent from the first block to the last; shorten the outage",
    ),
    "silent_oracle": (
        (*FEW, f'shocks=[{{kind="keeper_outage", at_block=0, {EVERYBODY_OUT}}}]'),
        "every keeper of market 0 (ETH) is silent from the first block to the last, so no price reaches its",
    ),
}
WORDS = {"no_accounts": "no_accounts", "silent_oracle": "silent_oracle"}


def run(tmp_path, *overrides) -> int:
    changes = [word for change in overrides for word in ("--set", change)]
    out = ["--out", str(tmp_path / "out")]
    return main(["run", str(SCENARIO), *changes, "--worlds", "none", "--json", *out])


@pytest.mark.parametrize("world", IDLE)
def test_it_is_bad_input(world, tmp_path, capsys):
    overrides, words = IDLE[world]
    assert run(tmp_path, *overrides) == 2
    said = capsys.readouterr().err
    assert words in said
    word = WORDS.get(world, "no_liquidators")
    assert f'or say that it is meant: meant = ["{word}"] at the top of the scenario' in said
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("world", IDLE)
def test_unless_it_is_meant(world, tmp_path):
    overrides, _ = IDLE[world]
    word = WORDS.get(world, "no_liquidators")
    assert run(tmp_path, *overrides, f'meant=["{word}"]') == 0
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["scenario"]["meant"] == [word]
    assert main(["replay", str(tmp_path / "out")]) == 0


def test_meaning_one_excuses_no_other(tmp_path, capsys):
    overrides, words = IDLE["nobody"]
    assert run(tmp_path, *overrides, 'meant=["no_accounts", "short_prices", "silent_oracle"]') == 2
    assert words in capsys.readouterr().err
    assert run(tmp_path, *FEW, 'meant=["no_liquidator"]') == 2
    assert "no_liquidators" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("first", "minutes", "code"),
    [(0, 60.0, 2), (2, 60.0, 0), (0, 0.6, 0)],  # from block 2 on, or until block 3: somebody is awake
)
def test_an_outage_of_some_blocks_is_a_shock_like_any_other(first, minutes, code, tmp_path):
    shock = f'{{kind="liquidator_outage", at_block={first}, duration_minutes={minutes}, size=1.0}}'
    assert run(tmp_path, *FEW, f"shocks=[{shock}]") == code


def test_outages_that_follow_one_another_are_one(tmp_path, capsys):
    shocks = ", ".join(
        f'{{kind="liquidator_outage", at_block={first}, duration_minutes=0.4, size=1.0}}' for first in (3, 1)
    )
    assert run(tmp_path, *FEW, f"shocks=[{shocks}]") == 2
    assert "all are silent" in capsys.readouterr().err


UNHEARD = (
    "traders.0.count=8", "whales=[]", "blocks=20", "protocol.oracle.heartbeat_seconds=60",
    "keepers.static_fee_share=1.0", "keepers.static_fee_gwei=0.001",
)  # fmt: skip
"""Keepers who never bid what a block costs: that shows only in the run."""


def test_an_oracle_that_heard_nothing_fails_the_run(tmp_path, capsys):
    assert run(tmp_path, *UNHEARD) == 1
    assert "expected silent_oracles <= 0: was 1; let keepers report, or say that it is meant" in (
        capsys.readouterr().err
    )
    verdict = json.loads((tmp_path / "out" / "findings.json").read_text())["verdict"]
    assert verdict["level"] == "invalid"
    assert "nothing could happen where 1 oracle took no report" in verdict["headline"]


def test_unless_silence_is_meant(tmp_path):
    assert run(tmp_path, *UNHEARD, 'meant=["silent_oracle"]') == 0
    verdict = json.loads((tmp_path / "out" / "findings.json").read_text())["verdict"]
    assert verdict["level"] != "invalid"


def test_an_oracle_that_is_quiet_but_fresh_is_not_silent(tmp_path):
    assert run(tmp_path, *UNHEARD, "protocol.oracle.heartbeat_seconds=3600") == 0
