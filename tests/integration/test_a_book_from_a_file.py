"""A book from a file stands on chain at block 0 as it stands in the file, to the last unit."""

from __future__ import annotations

import json
import random
import shutil
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sim.chain.chain import engines_here
from sim.cli.entry import main
from sim.core.digest import sha256_file
from sim.core.errors import InputError
from sim.core.units import TOKEN_UNIT, WAD
from sim.engine.options import RunOptions
from sim.engine.paths import PathOptions, run_path
from sim.engine.run import build_world, execute, load_histories, world_builder
from sim.engine.scenario.load import load_scenario
from sim.engine.worlds.entries import plan_entries
from sim.reference.pool_math import fill_price

SMALL = Path(__file__).parents[1] / "support" / "small_run.toml"
TWO_MARKETS = (
    'markets=[{ name = "ETH", initial_price = 2000.0, price = { kind = "gbm", volatility = 1.0 } },'
    ' { name = "BTC", initial_price = 30000.0, price = { kind = "gbm", volatility = 1.0 } }]'
)
HEADER = "account,market,size,entry_price,collateral"
ROWS = (
    "0xa1,ETH,12.345678901234567891,1850.25,4000.000001",
    "0xb2,ETH,-20,2100.123456789012345678,9000",
    "0xa1,BTC,-0.5,31000,2500.5",
    "0xc3,BTC,1.25,28500.75,12000.654321",
)


def scenario_of(tmp_path, rows=ROWS, *changes, name="book.csv"):
    (tmp_path / name).write_text("\n".join((HEADER, *rows)) + "\n")
    text = SMALL.read_text().replace("count = 60", f'book = "{name}"')
    (tmp_path / "book.toml").write_text(text)
    return load_scenario(tmp_path / "book.toml", overrides=[TWO_MARKETS, "whales=[]", "blocks=4", *changes])


def world_of(scenario, engine=None):
    options = RunOptions(out=Path("unused"), engine=engine)
    return build_world(scenario, options, load_histories(scenario, options))


def made_up(count, seed=7):
    """Return rows of accounts that pass the initial check at their entry and at the start."""
    draw, rows = random.Random(seed), []
    for account in range(count):
        for market, price in (("ETH", 2_000.0), ("BTC", 30_000.0)):
            if draw.random() < 0.6 or market == "ETH":
                entry = round(price * draw.uniform(0.7, 1.4), 2)
                size = round(draw.uniform(3_000.0, 30_000.0) / price, 6) * draw.choice((-1, 1))
                lost = max(0.0, (entry - price) * size)
                collateral = round(abs(size) * price / draw.uniform(1.5, 5.0) + lost, 6)
                rows.append(f"account {account},{market},{size:.6f},{entry},{collateral:.6f}")
    return rows


def test_sizes_collateral_and_sums_are_the_files_to_the_last_unit(tmp_path):
    rows = [*ROWS, *made_up(60)]
    world = world_of(scenario_of(tmp_path, rows))
    actors = {}
    collateral, held = defaultdict(Decimal), {}
    for row in rows:
        account, market, size, entry, amount = row.split(",")
        actors.setdefault(account, len(actors))
        collateral[actors[account]] += Decimal(amount)
        held[actors[account], ("ETH", "BTC").index(market)] = (Decimal(size), Decimal(entry))
    states = world.client.account_states(list(range(len(actors))))
    for actor, amount in collateral.items():
        assert states[actor].collateral == amount * WAD, actor
    for market in (0, 1):
        for actor, position in enumerate(world.client.positions(market, list(range(len(actors))))):
            size, entry = held.get((actor, market), (Decimal(0), Decimal(1)))
            assert position.size == size * WAD
            if size:
                # Fills are rounded against the trader, by less than three WAD of price and one of notional.
                assert 0 <= position.entry_notional - size * entry * WAD <= 3 * abs(size) + 1
        there = [size for (_, held_in), (size, _) in held.items() if held_in == market]
        state = world.client.markets()[market]
        assert state.long_open_interest == sum(size for size in there if size > 0) * WAD
        assert state.short_open_interest == -sum(size for size in there if size < 0) * WAD
    assert world.largest_entry_error < 1e-15
    assert world.raised_openings == 0


def test_moving_the_index_leaves_no_trace_in_prices_variances_or_margins(tmp_path):
    scenario = scenario_of(tmp_path, made_up(30))
    world, plain = world_of(scenario), world_of(load_scenario(SMALL, overrides=[TWO_MARKETS, "whales=[]"]))
    for market in (0, 1):
        moved, still = world.client.markets()[market], plain.client.markets()[market]
        for word in (
            "index_price", "risk_price", "ema_price", "confidence", "variance_fast", "variance_slow",
            "updated_at", "status",
        ):  # fmt: skip
            assert getattr(moved, word) == getattr(still, word), word
        positions = world.client.positions(market, list(range(30)))
        ratios = [position.entry_maintenance_ratio for position in positions if position.size]
        # As when nobody moves anything, and what size adds; a 30 % return in a block would be far above.
        assert still.maintenance_ratio <= min(ratios) <= max(ratios) < 1.03 * still.maintenance_ratio


def test_every_kind_of_file_says_the_same(tmp_path):
    expected = None
    for name, separator in (("a.csv", ","), ("b.csv", ";"), ("c.parquet", "")):
        folder = tmp_path / name
        folder.mkdir()
        scenario = scenario_of(folder, ROWS)
        if separator:
            text = (
                (folder / "book.csv")
                .read_text()
                .replace(",", separator)
                .replace("entry_price", "Entry Price")
            )
            (folder / "book.csv").write_text(text)
        else:
            cells = [row.split(",") for row in ROWS]
            columns = dict(zip(HEADER.split(","), zip(*cells, strict=True), strict=True))
            exact = {
                key: pa.array([Decimal(value) for value in values], pa.decimal128(38, 18))
                for key, values in columns.items()
                if key not in ("account", "market")
            }
            pq.write_table(pa.table({**columns, **exact}), folder / "book.csv")
        scenario = load_scenario(folder / "book.toml", overrides=[TWO_MARKETS, "whales=[]", "blocks=4"])
        options = RunOptions(out=tmp_path)
        digest = execute(scenario, options, load_histories(scenario, options)).digest
        expected = expected or digest
        assert digest == expected, name


def test_every_engine_opens_it_alike(tmp_path):
    scenario = scenario_of(tmp_path)
    digests = {
        execute(scenario, RunOptions(out=tmp_path, engine=engine), {}).digest for engine in engines_here()
    }
    assert len(digests) == 1


def test_the_file_is_part_of_the_run_and_of_its_replay(tmp_path, capsys):
    scenario_of(tmp_path)
    words = ["run", str(tmp_path / "book.toml"), "--set", TWO_MARKETS, "--set", "whales=[]", "--blocks", "4"]
    out = tmp_path / "out"
    assert main([*words, "--out", str(out)]) == 0
    manifest = json.loads((out / "manifest.json").read_text())
    book = manifest["books"]["traders.0.book"]
    assert book == {"file": "book.csv", "sha256": sha256_file(tmp_path / "book.csv")}
    assert manifest["books"]["largest_entry_error"] < 1e-15
    assert "3 traders with the 4 positions of book.csv, 2 of them long" in " ".join(manifest["agents"])
    (tmp_path / "book.csv").unlink()
    assert main(["replay", str(out)]) == 0
    copy = out / manifest["inputs"]["traders.0.book"]
    copy.write_text(copy.read_text().replace("1850.25", "1850.26"))
    assert main(["replay", str(out)]) == 2
    assert "book.csv" in capsys.readouterr().err


def test_another_entry_price_alone_changes_the_run(tmp_path):
    digests = set()
    for entry in ("1850.25", "1850.26"):
        scenario = scenario_of(tmp_path, [row.replace("1850.25", entry) for row in ROWS])
        digests.add(execute(scenario, RunOptions(out=tmp_path), {}).digest)
    assert len(digests) == 2


def test_paths_share_a_start_only_if_the_file_holds_the_same(tmp_path):
    keys = set()
    for size in ("-20", "-21"):
        scenario = scenario_of(tmp_path, [row.replace("-20", size) for row in ROWS])
        keys.add(world_builder(scenario, RunOptions(out=tmp_path), {}).foundation_key())
    assert len(keys) == 2
    one = run_path(scenario, PathOptions(path=0))
    assert run_path(scenario, PathOptions(path=0)).digest == one.digest
    assert run_path(scenario, PathOptions(path=1)).digest != one.digest


def test_a_sweep_takes_its_books_with_it(tmp_path):
    scenario_of(tmp_path, ROWS[:2])
    (tmp_path / "other.csv").write_text("\n".join((HEADER, ROWS[1])) + "\n")
    (tmp_path / "sweep.toml").write_text("""
schema_version = 1
kind = "sweep"
title = "Two books"
scenario = "book.toml"
paths = 1
set = ["whales=[]", "blocks=3"]

[[parameters]]
key = "traders.0.book"
values = ["book.csv", "other.csv"]
""")
    out = tmp_path / "out"
    assert main(["sweep", str(tmp_path / "sweep.toml"), "--workers", "0", "--out", str(out)]) == 0
    (tmp_path / "book.csv").unlink()
    (tmp_path / "other.csv").unlink()
    assert main(["replay", str(out)]) == 0


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("'traders.0.book=\"../secret.csv\"'", "must lie in the experiment's folder"),
        ("'traders.0.book=\"/etc/hostname\"'", "must lie in the experiment's folder"),
        ('\'traders=[{name="a",book="/etc/hostname"}]\'', "a file must be set by its own key"),
        ('\'traders.0={name="a",book="/etc/hostname"}\'', "a file must be set by its own key"),
    ],
)
def test_an_experiment_names_no_book_outside_its_folder(tmp_path, capsys, change, told):
    folder = tmp_path / "sent"
    folder.mkdir()
    scenario_of(folder, ROWS[:2])
    (tmp_path / "secret.csv").write_text("\n".join((HEADER, *ROWS[:2])) + "\n")
    (folder / "sweep.toml").write_text(f"""
schema_version = 1
kind = "sweep"
title = "Somebody else's book"
scenario = "book.toml"
paths = 1
set = ["whales=[]", "blocks=3", {change}]

[[parameters]]
key = "protocol.margin.trade_fee_rate"
values = [0.001]
""")
    assert main(["sweep", str(folder / "sweep.toml"), "--out", str(tmp_path / "out")]) == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    ("row", "changes", "told"),
    [
        (
            "d,ETH,10,2000,1500",
            (),
            "collateral: the contracts refuse it: margin_checks: margin too low",
        ),
        (
            "d,ETH,10,2600,3000",
            (),
            "collateral: the contracts refuse it: margin_checks: margin too low",
        ),
        (
            "d,ETH,10,350,3000",
            (),
            "entry_price: the contracts refuse it: margin_checks: price not valid",
        ),
        ("d,ETH,10,1e-7,3000", (), "entry_price: before block 0: price_oracle.report"),
        (
            "d,ETH,0.01,2000,3000",
            (),
            "size: the contracts refuse it: trading: position too small",
        ),
        ("d,BTC,3000,30000,1e8", (), "size: the contracts refuse it: trading: open interest cap"),
        (
            "d,ETH,1,2500,3000",
            ("protocol.oracle.heartbeat_seconds=1", "protocol.oracle.heartbeat_grace_seconds=1"),
            "entry_price: would be missed by",
        ),
    ],
)
def test_what_the_contracts_refuse_is_told_by_row_and_column(tmp_path, row, changes, told):
    with pytest.raises(InputError) as refusal:
        world_of(scenario_of(tmp_path, [*ROWS, row], *changes))
    assert any(told in problem for problem in refusal.value.problems), refusal.value.problems
    place = "book.csv:" if changes else "book.csv:6: "
    assert all(problem.startswith(place) for problem in refusal.value.problems), refusal.value.problems


def test_every_refused_row_is_listed_at_once(tmp_path):
    poor = [f"poor {number},ETH,10,2000,{number + 1}" for number in range(5)]
    with pytest.raises(InputError) as refusal:
        world_of(scenario_of(tmp_path, [*ROWS, *poor]))
    assert len(refusal.value.problems) == 5
    assert all("more would do" in problem for problem in refusal.value.problems)


def test_what_would_do_does(tmp_path):
    with pytest.raises(InputError) as refusal:
        world_of(scenario_of(tmp_path, [*ROWS, "d,ETH,10,2600,3000"]))
    words = refusal.value.problems[0]
    lack = Decimal(words.split("about ")[1].split(" more")[0].replace(",", ""))
    enough = 3_000 + lack * Decimal("1.02") + 20  # the premium of its turn, and the fee's rounding
    world_of(scenario_of(tmp_path, [*ROWS, f"d,ETH,10,2600,{enough}"]))


def test_a_book_stands_where_accounts_are_counted(tmp_path):
    with pytest.raises(InputError, match="leave count out"):
        scenario_of(tmp_path, ROWS, "traders.0.count=5")
    with pytest.raises(InputError, match="leave entry_deviation out"):
        scenario_of(tmp_path, ROWS, "traders.0.entry_deviation=0.1")
    with pytest.raises(InputError, match="needs count, the number of accounts, or book"):
        load_scenario(SMALL, overrides=['traders=[{ name = "nobody" }]'])
    with pytest.raises(InputError, match="there is no file"):
        scenario_of(tmp_path, ROWS, 'traders.0.book="elsewhere.csv"')
    many = [f"{number},ETH,1,2000,2000" for number in range(2_100)]
    with pytest.raises(InputError, match="accounts x blocks must be at most"):
        scenario_of(tmp_path, many, "blocks=1000000")


def test_a_file_outside_the_folder_is_refused(tmp_path):
    inner = tmp_path / "inner"
    inner.mkdir()
    scenario_of(inner)
    shutil.move(inner / "book.csv", tmp_path / "book.csv")
    text = (inner / "book.toml").read_text().replace('"book.csv"', '"../book.csv"')
    (inner / "book.toml").write_text(text)
    with pytest.raises(InputError, match="must lie in the scenario's folder"):
        load_scenario(inner / "book.toml")


@pytest.mark.parametrize("most", [3, 10, 200])
def test_entry_prices_that_share_an_index_are_missed_by_no_more_than_they_must(most):
    draw = random.Random(most)
    prices = [int(draw.uniform(0.5, 2.0) * 2_000 * WAD) for _ in range(200)]
    sizes = [int(draw.choice((-1, 1)) * draw.uniform(1.0, 5.0) * WAD) for _ in prices]
    terms = (20_000 * WAD, WAD // 20)
    plan = plan_entries(prices, sizes, skew=0, scale=terms[0], max_premium=terms[1], most_steps=most)
    assert len(plan.steps) <= most
    assert sorted(plan.order) == list(range(200))
    skew, order, worst = 0, iter(plan.order), 0.0
    for index, count in plan.steps:
        for _ in range(count):
            place = next(order)
            worst = max(worst, abs(fill_price(index, skew, sizes[place], *terms) / prices[place] - 1.0))
            skew += sizes[place]
    # A range of log 4 in so many groups: half a group is the least there can be.
    assert worst < 1e-15 if most == 200 else 0.2 * 1.386 / most < worst < 0.75 * 1.386 / most


def test_collateral_in_the_file_is_what_is_left_after_the_fee(tmp_path):
    worlds = [
        world_of(scenario_of(tmp_path, ROWS, f"protocol.margin.trade_fee_rate={rate}"))
        for rate in (0.0, 0.002)
    ]
    for actor in range(3):
        free, dear = (world.client.account_states([actor])[0].collateral for world in worlds)
        assert free == dear
    assert worlds[1].token_supply > worlds[0].token_supply + TOKEN_UNIT


def test_a_change_of_rules_meets_a_book_from_a_file(tmp_path):
    """Opened two blocks before block 0, after the time-lock: to the last unit as without a change."""
    plain = world_of(scenario_of(tmp_path, ROWS))
    fee = "protocol.margin.trade_fee_rate"
    changed = world_of(
        scenario_of(
            tmp_path, ROWS, f"{fee}=0.001", f'enactment={{in_block_0=true, values_before=["{fee}=0.0005"]}}'
        )
    )
    for name in ("exact_collateral", "exact_size", "exact_entry"):
        assert getattr(changed.mirror, name) == getattr(plain.mirror, name)
    assert changed.largest_entry_error == plain.largest_entry_error
    for now, then in zip(changed.client.markets(), plain.client.markets(), strict=True):
        assert (now.index_price, now.risk_price) == (then.index_price, then.risk_price)
        assert now.funding_index == then.funding_index  # no funding for the wait
        assert now.variance_fast == pytest.approx(then.variance_fast, rel=1e-9)
    assert changed.client.read("trading_desk", "parameters")[0] == 10**15


IN_BLOCK_0 = (
    "enactment.in_block_0=true",
    (
        'enactment.values_before=["protocol.margin.trade_fee_rate=0.001", '
        '"protocol.risk_model_parameters.z=3.0"]'
    ),
)


@pytest.mark.parametrize(
    "changes", [(), ("protocol.oracle.tau_fast_seconds=604800",)], ids=["index moves", "seed is raised"]
)
def test_a_book_that_waits_out_a_time_lock_is_the_files_too(tmp_path, changes):
    rows = [*ROWS, *made_up(20)]
    waited, plain = (world_of(scenario_of(tmp_path, rows, *changes, *more)) for more in (IN_BLOCK_0, ()))
    actors = list(range(23))
    states = [
        [state.collateral for state in world.client.account_states(actors)] for world in (waited, plain)
    ]
    assert states[0] == states[1]
    for market in (0, 1):
        mine, theirs = (world.client.positions(market, actors) for world in (waited, plain))
        assert [one.size for one in mine] == [one.size for one in theirs]
        for one, other in zip(mine, theirs, strict=True):
            assert abs(one.entry_notional - other.entry_notional) <= 3 * abs(one.size) // WAD + 3
        here, there = (world.client.markets()[market] for world in (waited, plain))
        for word in ("index_price", "risk_price", "status"):
            assert getattr(here, word) == getattr(there, word), word
        # The seed's wait is computed in floats: docs/compare.md.
        assert here.variance_fast == pytest.approx(there.variance_fast, rel=1e-9)
        assert here.variance_slow == pytest.approx(there.variance_slow, rel=1e-9)
        assert here.maintenance_ratio == pytest.approx(there.maintenance_ratio, rel=1e-6)  # z is back
        ratios = [
            (one.entry_maintenance_ratio, other.entry_maintenance_ratio)
            for one, other in zip(mine, theirs, strict=True)
            if one.size
        ]
        assert all(before < 0.99 * after for before, after in ratios)  # opened under z = 3
    assert waited.largest_entry_error < 1e-15
    assert waited.raised_openings == 0


def test_margins_are_of_the_market_again_once_a_book_has_waited(tmp_path):
    """Frozen inputs would hold the ratio where it was; a fall that calls for more must raise it."""
    scenario = scenario_of(tmp_path, ROWS, "blocks=20", IN_BLOCK_0[0])
    ended = execute(scenario, RunOptions(out=tmp_path), {}).world
    ratios = [world.client.markets()[0].maintenance_ratio for world in (world_of(scenario), ended)]
    assert ratios[1] > 1.5 * ratios[0]


def test_drawn_entry_prices_wait_out_a_time_lock_too(tmp_path):
    spread = load_scenario(
        SMALL, overrides=["traders.0.entry_deviation=0.05", "traders.0.count=20", *IN_BLOCK_0]
    )
    world = world_of(spread)
    entries = [
        abs(world.mirror.exact_entry[0][actor] / world.mirror.exact_size[0][actor]) for actor in range(20)
    ]
    assert max(entries) > 1.05 * 2_000 > 0.95 * 2_000 > min(entries)
    assert world.largest_entry_error < 1e-15


@pytest.mark.parametrize("changes", [IN_BLOCK_0[:1], IN_BLOCK_0], ids=["no change", "another formula"])
def test_every_world_beside_a_run_can_be_made_of_a_book_that_waited(tmp_path, changes):
    scenario_of(tmp_path, ROWS[:2])
    command = ["run", str(tmp_path / "book.toml"), "--worlds", "all", "--blocks", "12"]
    for change in ("whales=[]", *changes):
        command += ["--set", change]
    assert main([*command, "--out", str(tmp_path / "out")]) == 0
    assert main(["replay", str(tmp_path / "out")]) == 0
