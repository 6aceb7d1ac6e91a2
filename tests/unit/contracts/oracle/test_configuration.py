"""Ownership, listing, reporters, parameters, rounds, and the shape of the contract."""

from __future__ import annotations

import boa
import pytest

from sim.reference.fixed_point import WAD
from tests.support.deployers import CONTRACTS, ORACLE_PARAMETERS, deploy_oracle, deployer

PRICE = 2_000 * WAD
ZERO = "0x" + "00" * 20


def test_parameters_are_readable(make_oracle):
    oracle = make_oracle(tau_ema_seconds=150)
    assert tuple(oracle.contract.parameters()) == tuple(
        (ORACLE_PARAMETERS | {"tau_ema_seconds": 150}).values()
    )


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"heartbeat_grace_seconds": 2**24}, "oracle: grace too long"),
        ({"max_source_confidence_ratio": WAD + 1}, "oracle: source confidence above 1"),
        ({"max_confidence_ratio": WAD + 1}, "oracle: confidence above 1"),
        ({"max_divergence": WAD - 1}, "oracle: divergence below 1"),
        ({"max_divergence": 10**24 + 1}, "oracle: divergence above 1e6"),
        ({"min_price": ORACLE_PARAMETERS["max_price"]}, "oracle: price bounds"),
        ({"max_price": 2**96}, "oracle: max price too large"),
        ({"tau_fast_seconds": 0}, "oracle: zero tau"),
        ({"tau_fast_seconds": 604_801}, "oracle: fast slower than slow"),
        ({"tau_ema_seconds": 0}, "oracle: zero tau"),
        ({"max_return": 0}, "oracle: zero return cap"),
        ({"max_return": WAD + 1}, "oracle: return cap above 1"),
        ({"limiter_horizon_seconds": 0}, "oracle: zero limiter horizon"),
        ({"limiter_horizon_seconds": 86_401}, "oracle: limiter horizon too long"),
        ({"limiter_minimum": 0}, "oracle: zero limiter"),
        ({"limiter_minimum": WAD + 1}, "oracle: limiter above 1"),
        ({"limiter_coefficient": 100 * WAD + 1}, "oracle: limiter coefficient above 100"),
        ({"minimum_sources": 0}, "oracle: zero sources"),
        ({"minimum_sources": 4}, "oracle: minimum above valid sources"),
        ({"valid_sources": 8}, "oracle: too many sources"),
        ({"open_status": 5}, "oracle: bad status"),
        ({"withdraw_status": 5}, "oracle: bad status"),
        ({"liquidate_status": 5}, "oracle: bad status"),
        ({"settle_status": 5}, "oracle: bad status"),
    ],
)
def test_parameters_out_of_bounds_revert(owner, changes, reason):
    with boa.reverts(reason):
        deploy_oracle(owner, **changes)


def test_ownership_moves_in_two_steps(oracle, owner, stranger):
    contract = oracle.contract
    with boa.reverts("access: not owner"):
        contract.transfer_ownership(stranger, sender=stranger)
    contract.transfer_ownership(stranger, sender=owner)
    assert (contract.owner(), contract.pending_owner()) == (owner, stranger)
    with boa.reverts("access: not pending owner"):
        contract.accept_ownership(sender=owner)
    contract.accept_ownership(sender=stranger)
    assert (contract.owner(), contract.pending_owner()) == (stranger, ZERO)


def test_owner_of_zero_reverts():
    with boa.reverts("access: zero owner"):
        deploy_oracle(ZERO)


def test_listing_is_the_owners(oracle, owner, stranger):
    with boa.reverts("access: not owner"):
        oracle.contract.add_asset(PRICE, WAD, WAD, sender=stranger)
    with boa.reverts("access: not owner"):
        oracle.contract.add_reporter(0, stranger, 1, 60, sender=stranger)
    assert oracle.contract.add_asset(PRICE, WAD, WAD, sender=owner) == 1


def test_assets_are_at_most_eight_and_do_not_share_state(oracle, owner, reporters):
    contract = oracle.contract
    before = oracle.read()
    for asset in range(1, 8):
        assert contract.add_asset(PRICE * (asset + 1), WAD, 2 * WAD, sender=owner) == asset
        contract.add_reporter(asset, reporters[0], 1, 60, sender=owner)
        contract.add_reporter(asset, reporters[1], 1, 60, sender=owner)
    for asset in range(1, 8):
        for reporter in reporters[:2]:
            contract.report(asset, PRICE * (asset + 1), 0, oracle.now, sender=reporter)
    assert [contract.asset_price(asset).index_price // PRICE for asset in range(8)] == list(range(1, 9))
    assert oracle.read() == before
    with boa.reverts("oracle: too many assets"):
        contract.add_asset(PRICE, WAD, WAD, sender=owner)


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        ((ORACLE_PARAMETERS["min_price"], WAD, WAD), "oracle: price at minimum"),
        ((ORACLE_PARAMETERS["max_price"], WAD, WAD), "oracle: price at maximum"),
        ((PRICE, 10**26 + 1, WAD), "oracle: variance too large"),
        ((PRICE, WAD, 10**26 + 1), "oracle: variance too large"),
    ],
)
def test_asset_out_of_bounds_reverts(oracle, owner, args, reason):
    with boa.reverts(reason):
        oracle.contract.add_asset(*args, sender=owner)


@pytest.mark.parametrize(
    ("asset", "who", "settings", "reason"),
    [
        (1, "stranger", (1, 60), "oracle: unknown asset"),
        (0, "zero", (1, 60), "oracle: zero reporter"),
        (0, "reporter", (1, 60), "oracle: reporter exists"),
        (0, "stranger", (0, 60), "oracle: zero weight"),
        (0, "stranger", (4096, 60), "oracle: weight too large"),
        (0, "stranger", (1, 0), "oracle: zero heartbeat"),
        (0, "stranger", (1, 2**24), "oracle: heartbeat too long"),
    ],
)
def test_reporter_out_of_bounds_reverts(oracle, asset, who, settings, reason):
    address = {"stranger": boa.env.generate_address(), "zero": ZERO, "reporter": oracle.reporters[0]}[who]
    with boa.reverts(reason):
        oracle.contract.add_reporter(asset, address, *settings, sender=oracle.owner)


def test_reporters_are_at_most_seven_and_keep_their_own_weights(make_oracle, owner, stranger):
    weights = [4095, 1, 4094, 2, 4093, 3, 4092]
    oracle = make_oracle(count=7, weights=weights, heartbeat=2**24 - 1)
    stored = [oracle.contract.source_report(0, reporter) for reporter in oracle.reporters]
    assert [(s.weight, s.heartbeat_seconds) for s in stored] == [(w, 2**24 - 1) for w in weights]
    with boa.reverts("oracle: too many reporters"):
        oracle.contract.add_reporter(0, stranger, 1, 60, sender=owner)
    assert oracle.contract.source_report(0, stranger) == (0, 0, 0, 0, 0)


def test_reporters_of_different_heartbeats_expire_apart(make_oracle, owner, reporters):
    oracle = make_oracle(count=2)
    oracle.contract.add_reporter(0, reporters[2], 1, 3_600, sender=owner)
    oracle.reporters.append(reporters[2])
    oracle.wait(12)
    oracle.report_all(PRICE)
    oracle.wait(61)
    assert oracle.read().status == 3
    oracle.report(0, PRICE * 2)
    assert oracle.read().index_price == PRICE  # lower median of the fresh two: 2,000 and 4,000
    assert oracle.read().confidence == PRICE // 2


def test_rounds_are_kept_for_the_last_256(make_oracle):
    oracle = make_oracle(count=1, minimum_sources=1, valid_sources=1)
    start = oracle.now
    for step in range(1, 261):
        oracle.wait(12)
        oracle.report(0, PRICE + step * WAD, step)
    kept = oracle.contract.round
    assert kept(0, 0) == kept(0, 4) == kept(0, 261) == kept(0, 2**256 - 257) == (0, 0, 0)
    for round_id in (5, 6, 255, 256, 257, 260):
        assert kept(0, round_id) == (PRICE + round_id * WAD, round_id, start + 12 * round_id)


def test_contract_fits_and_locks_every_entry_point():
    compiled = deployer(CONTRACTS / "PriceOracle.vy").compiler_data
    immutables = 32 * len(ORACLE_PARAMETERS)
    assert len(compiled.bytecode_runtime) + immutables <= 24_576 - 1_500
    exposed = compiled.global_ctx.exposed_functions
    changing = [f for f in exposed if f.is_mutable]
    assert {f.name for f in changing} == {
        "add_asset",
        "add_reporter",
        "remove_reporter",
        "change_reporter",
        "report",
        "transfer_ownership",
        "accept_ownership",
    }
    assert all(f.nonreentrant for f in changing)
    assert not any(f.nonreentrant for f in exposed if not f.is_mutable)


def test_report_stays_lean(oracle):
    # Three sources, a new timestamp, a new slot of the ring: the dearest report there is.
    # A regression guard on execution gas (no 21,000, storage of the session already warm).
    oracle.wait(12)
    oracle.report(0, PRICE)
    assert oracle.contract._computation.get_gas_used() < 60_000
