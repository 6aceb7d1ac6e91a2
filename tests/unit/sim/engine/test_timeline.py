"""One account's timeline agrees with the tables, and reads at eighty columns."""

import json

import pyarrow.parquet as pq
import pytest

from sim.cli import entry
from sim.cli.account import account_lines
from sim.core.errors import InputError
from sim.engine.results.folder import open_run
from sim.engine.results.timeline import timeline
from sim.protocol.event_words import named, plain_number, worded
from tests.support.small_run import small_run


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return small_run(tmp_path_factory.mktemp("timeline") / "run", "blocks=16").folder


@pytest.fixture(scope="module")
def victim(folder):
    """Return the number of an account that was liquidated."""
    return pq.read_table(folder / "liquidations.parquet")["account"].to_pylist()[0]


def rows_about(folder, table, number, *columns):
    rows = pq.read_table(folder / f"{table}.parquet").to_pylist()
    return [row for row in rows if number in {row[column] for column in columns}]


def test_every_action_and_liquidation_of_the_account_is_there(folder, victim):
    found = timeline(open_run(folder), str(victim))
    actions = [entry for entry in found.entries if entry.kind == "action"]
    stated = rows_about(folder, "transactions", victim, "sender", "account")
    assert [(entry.block, entry.position, entry.what) for entry in actions] == [
        (row["block"], row["position"], row["kind"]) for row in stated
    ]
    for entry_, row in zip(actions, stated, strict=True):
        assert (entry_.outcome == "done") == row["status"]
        assert row["status"] or row["revert_reason"] in entry_.outcome
        given = [int(value) for value in row["arguments"]]
        assert [entry_.values[name] for name in list(entry_.values)[: len(given)]] == given
    closes = [entry for entry in found.entries if entry.kind == "liquidation"]
    rows = rows_about(folder, "liquidations", victim, "account", "liquidator")
    assert [entry.values["id"] for entry in closes] == [row["id"] for row in rows]
    assert {"fee", "bounty", "deficit", "breach_cause"} <= closes[0].words.keys()
    assert [entry.block for entry in found.entries] == sorted(entry.block for entry in found.entries)
    assert all(entry.timestamp > 1_600_000_000 for entry in found.entries)


def test_margin_checks_come_with_their_inputs(folder, victim):
    found = timeline(open_run(folder), str(victim))
    checks = [entry for entry in found.entries if entry.what == "risk_engine.MarginChecked"]
    assert checks
    assert {"kind", "price", "risk_price", "variance_fast", "notional", "ratio", "equity", "requirement"} <= (
        checks[0].words.keys()
    )
    assert checks[0].words["kind"] in ("initial", "maintenance", "withdraw")
    equity = checks[0].values["equity"]
    assert checks[0].words["equity"] == plain_number(equity, 10**18)


def test_an_account_is_named_by_number_or_by_group_and_place(folder):
    run = open_run(folder)
    accounts = run.table("accounts").to_pylist()
    group = accounts[3]["group"]
    first = next(row["account"] for row in accounts if row["group"] == group)
    place = accounts[3]["account"] - first
    assert timeline(run, f"{group}:{place}") == timeline(run, str(accounts[3]["account"]))
    assert timeline(run, "3").name == f"{group}:{place}"
    for wrong, message in (
        ("nobody", "there are "),
        ("999999", "no such participant"),
        (f"{group}:9999", "members, from"),
        ("-1", "is no participant's number"),
    ):
        with pytest.raises(InputError, match=message):
            timeline(run, wrong)


@pytest.mark.parametrize("width", [80, 120])
def test_no_line_is_wider_than_the_terminal(folder, victim, width):
    lines = [line.plain for line in account_lines(timeline(open_run(folder), str(victim)), width)]
    assert max(map(len, lines)) <= width
    assert any(line.startswith("block ") for line in lines)
    assert not any("000000000000000000" in line for line in lines), "no raw WAD"


def test_the_command_prints_text_and_json(folder, victim, capsys):
    assert entry.main(["account", str(folder), str(victim)]) == 0
    assert f"participant {victim}" in capsys.readouterr().out
    assert entry.main(["account", str(folder), str(victim), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["account"] == victim
    assert found["entries"]
    assert entry.main(["account", str(folder), "nobody"]) == 2


def test_words_have_units_codes_and_names():
    person = named({"traders": range(2, 5)})
    words = worded(
        "ledger",
        "Deposited",
        {"account": 3, "amount": 2_500_000, "collateral": -(10**18) // 2},
        person,
    )
    assert words == {"account": "traders:1 (participant 3)", "amount": "2.5", "collateral": "-0.5"}
    assert worded("x", "PositionChanged", {"cause": 1, "account": -1}, person) == {
        "cause": "liquidation", "account": "a contract",
    }  # fmt: skip
    closing = worded("trading_desk", "decrease_position", {"market": 0, "size": 2**256 - 1}, person)
    assert closing == {"market": "0", "size": "all"}
    # The event does not say how many decimals the asset has, but quote has six.
    sold = {"account": 3, "asset": 1, "amount": 2_500_000, "proceeds": 2_000_000}
    assert worded("collateral_registry", "AssetSold", sold, person) == {
        "account": "traders:1 (participant 3)", "asset": "1", "amount": "2,500,000 units", "proceeds": "2",
    }  # fmt: skip
    assert plain_number(1, 10**18) == "1e-18"
