"""Sub-accounts and modes: what one account of an owner does never reaches another."""

from __future__ import annotations

import boa
import pytest

from sim.reference.account_ids import MAX_INDEX
from sim.reference.fixed_point import QUANTUM, WAD
from tests.support.protocol import ORDER, Protocol, id_of, isolated, logs_of, units

CROSS, ISOLATED = 0, 1


def funded(protocol, name, quote, indices=(0, 1)):
    """Return an owner whose accounts have collateral."""
    owner = protocol.account(name)
    for index in indices:
        protocol.deposit(id_of(owner, index), units(quote), payer=owner)
    return owner


def test_two_accounts_of_one_owner_are_strangers(protocol):
    owner = funded(protocol, "owner", 1_001)
    first, second = id_of(owner), id_of(owner, 1)
    protocol.increase(owner, 10 * WAD)
    protocol.increase(owner, -5 * WAD, index=1)
    assert (protocol.position(first).size, protocol.position(second).size) == (10 * WAD, -5 * WAD)
    protocol.set_price(1_850 * WAD)  # 1,500 lost in one, 750 gained in the other
    protocol.liquidate(first)
    assert protocol.position(first).size == 0
    assert protocol.position(second).size == -5 * WAD
    assert protocol.state(second).equity == pytest.approx(1_751 * WAD, rel=1e-9)
    with boa.reverts("liquidation: healthy"):
        protocol.liquidate(second)
    protocol.check_books([second])


@pytest.mark.parametrize("index", [0, 1, MAX_INDEX])
def test_every_entry_acts_on_the_account_of_its_index(protocol, index):
    owner = funded(protocol, "owner", 5_000, (index,))
    account = id_of(owner, index)
    protocol.increase(owner, WAD, index=index)
    (event,) = logs_of(protocol.desk, "PositionChanged")
    assert event.account == account
    protocol.decrease(owner, WAD // 2, index=index)
    protocol.withdraw(owner, units(1_000), index=index)
    protocol.decrease(owner, index=index)
    protocol.desk.set_mode(index, ISOLATED, sender=owner)
    assert protocol.ledger.mode_of(account) == ISOLATED
    assert protocol.collateral(account) <= 4_000 * WAD
    protocol.check_books([account])


def test_an_index_too_large_is_refused(protocol):
    owner = protocol.account("owner", 100)
    for call, arguments in (
        (protocol.desk.withdraw, (MAX_INDEX + 1, 1)),
        (protocol.desk.increase_position, (MAX_INDEX + 1, 0, WAD, 0)),
        (protocol.desk.decrease_position, (MAX_INDEX + 1, 0, WAD, 0)),
        (protocol.desk.set_mode, (MAX_INDEX + 1, 1)),
    ):
        with boa.reverts("account_ids: index too large"):
            call(*arguments, sender=owner)


def test_an_isolated_account_has_one_market_at_a_time(build):
    protocol = build(markets=3)
    owner = protocol.account("owner", 50_000)
    protocol.desk.set_mode(0, ISOLATED, sender=owner)
    (event,) = logs_of(protocol.desk, "ModeSet")
    assert (event.account, event.mode) == (id_of(owner), ISOLATED)
    protocol.increase(owner, WAD, market=1)
    for market in (0, 2):
        with boa.reverts("accounts: isolated in another market"):
            protocol.increase(owner, WAD, market=market)
    protocol.increase(owner, WAD, market=1)
    protocol.decrease(owner, WAD, market=1)
    protocol.decrease(owner, market=1)
    protocol.increase(owner, -WAD, market=2)
    assert protocol.open_markets(owner) == 4
    state = protocol.ledger.account_of(id_of(owner))
    assert (state.mode, state.open_markets, state.positions[2].size) == (ISOLATED, 4, -WAD)
    protocol.check_books()


def test_a_cross_account_of_the_same_owner_is_not_bound(build):
    protocol = build(markets=2)
    owner = funded(protocol, "owner", 50_000)
    protocol.desk.set_mode(1, ISOLATED, sender=owner)
    protocol.increase(owner, WAD, market=1, index=1)
    for market in range(2):
        protocol.increase(owner, WAD, market=market)
    assert protocol.open_markets(owner) == 3
    assert protocol.open_markets(id_of(owner, 1)) == 2


def test_the_mode_changes_only_without_a_position(protocol):
    owner = protocol.account("owner", 50_000)
    protocol.increase(owner, WAD)
    for mode in (CROSS, ISOLATED):
        with boa.reverts("accounts: position open"):
            protocol.desk.set_mode(0, mode, sender=owner)
    protocol.decrease(owner)
    protocol.desk.set_mode(0, ISOLATED, sender=owner)
    protocol.desk.set_mode(0, CROSS, sender=owner)
    assert protocol.ledger.mode_of(id_of(owner)) == CROSS


@pytest.mark.parametrize("mode", [3, 2**248])
def test_modes_that_do_not_exist_yet_are_refused(protocol, mode):
    with boa.reverts("accounts: unknown mode"):
        protocol.desk.set_mode(0, mode, sender=protocol.account("owner"))


def test_an_isolated_account_judges_risk_as_a_cross_one_with_one_market(protocol):
    cross, isolated_one = protocol.account("cross", 1_001), protocol.account("isolated", 1_001)
    protocol.desk.set_mode(0, ISOLATED, sender=isolated_one)
    for account in (cross, isolated_one):
        protocol.increase(account, 10 * WAD)
    protocol.set_price(1_945 * WAD)
    first, second = (protocol.preview(account) for account in (cross, isolated_one))
    assert first.eligible
    assert tuple(first)[3:] == tuple(second)[3:]
    assert first.equity == pytest.approx(second.equity, abs=10**6)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"size_delta": 0}, "settlement: zero size"),
        ({"market": 8}, "settlement: unknown market"),
        ({"cause": 3}, "settlement: unknown cause"),
        ({"size_delta": -11 * WAD}, "settlement: invalid size"),
        ({"size_delta": -11 * WAD, "cause": 1}, "settlement: invalid size"),
        ({"size_delta": WAD, "cause": 1}, "settlement: invalid size"),
        ({"size_delta": WAD, "cause": 2}, "settlement: invalid size"),
        ({"size_delta": -WAD, "cause": 2, "haircut": 1}, "settlement: not whole quanta"),
        ({"size_delta": -WAD, "cause": 2, "haircut": 10**12}, "settlement: wrong side"),
        ({"size_delta": -WAD, "limit_price": 2_000 * WAD + 1}, "settlement: limit price"),
    ],
)
def test_the_ledger_does_not_count_on_its_operators(protocol, fields, reason):
    trader = protocol.account("trader", 5_000)
    protocol.increase(trader, 10 * WAD)
    fields = {"size_delta": -WAD} | fields
    with boa.reverts(reason):
        protocol.settle(trader, fields.pop("size_delta"), **fields)


def test_nobody_pays_more_of_a_deficit_than_its_share_nor_of_the_losing_side(build):
    protocol = build(fund=0)
    bankrupt, winner = protocol.account("bankrupt", 1_001), protocol.account("winner", 50_000)
    protocol.increase(bankrupt, 10 * WAD)
    protocol.increase(winner, -12 * WAD)
    protocol.set_price(1_850 * WAD)
    protocol.liquidate(bankrupt)
    closing = {"cause": 2, "index_price": 1_850 * WAD, "bankrupt": id_of(bankrupt)}
    owed = protocol.share(bankrupt).amount
    assert owed == -protocol.collateral(bankrupt) > 0
    same_side = protocol.account("same side", 50_000)
    protocol.increase(same_side, 10 * WAD)
    with boa.reverts("settlement: wrong side"):
        protocol.settle(same_side, -10 * WAD, haircut=QUANTUM, **closing)
    assert protocol.settle(winner, 10 * WAD, haircut=owed + QUANTUM, **closing).haircut == owed
    assert protocol.share(bankrupt).amount == 0
    protocol.check_books()


def test_summaries_and_positions_of_many_are_those_of_each(build):
    protocol = build(markets=2)
    accounts = [protocol.account(f"trader {i}", 10_000) for i in range(4)]
    for i, account in enumerate(accounts[:3]):
        protocol.increase(account, (i + 1) * WAD, market=i % 2)
    protocol.increase(accounts[0], -2 * WAD, market=1)
    ids = [id_of(account) for account in accounts]
    prices = [1_999 * WAD + 1, 3 * WAD + 7] + [0] * 6
    for account, summary in zip(ids, protocol.ledger.summaries_of(ids, prices), strict=True):
        sizes = [protocol.position(account, market).size for market in range(2)]
        assert summary.collateral == protocol.collateral(account)
        assert summary.open_markets == protocol.open_markets(account)
        assert summary.notional == sum(-(-abs(s) * p // WAD) for s, p in zip(sizes, prices, strict=False))
    for market in range(2):
        rows = protocol.ledger.positions_of(market, ids)
        assert [tuple(row) for row in rows] == [tuple(protocol.position(a, market)) for a in ids]
        for account in ids:
            held = protocol.ledger.account_of(account).positions[market]
            assert tuple(held) == tuple(protocol.position(account, market))


@pytest.mark.parametrize("caller", ["stranger", "pool"])
def test_only_the_owner_connects_and_registers(protocol, caller):
    sender = protocol.pool.address if caller == "pool" else protocol.account("stranger")
    for call, arguments in (
        (protocol.ledger.set_operator, (sender, True)),
        (protocol.ledger.connect, (sender, sender)),
        (protocol.pool.connect, (sender,)),
    ):
        with boa.reverts("access: not owner"):
            call(*arguments, sender=sender)


def test_contracts_are_connected_once(protocol):
    some = protocol.risk.address
    with boa.reverts("connections: connected"):
        protocol.ledger.connect(some, some, sender=protocol.owner)
    with boa.reverts("pool: connected"):
        protocol.pool.connect(some, sender=protocol.owner)
    assert protocol.ledger.liquidity_pool() == protocol.pool.address
    assert protocol.ledger.insurance_fund() == protocol.fund.address
    assert protocol.ledger.quote_token() == protocol.token.address
    assert protocol.pool.ledger() == protocol.fund.ledger() == protocol.ledger.address
    assert protocol.pool.market_registry() == protocol.registry.address


@pytest.mark.parametrize("pays_gain", [True, False], ids=["whole gain", "part of it"])
def test_a_pool_that_cannot_front_payouts_keeps_them_and_pays_the_gain(pays_gain):
    """Of a gain that it has, nothing is unpaid; of one that it has not, the fund pays what is missing."""
    with isolated():
        protocol = Protocol(pool=1_000)
        winner = protocol.account("winner", 5_000)
        protocol.increase(winner, WAD)
        protocol.set_price(3_100 * WAD if pays_gain else 3_200 * WAD)
        price = protocol.oracle.asset_price(0).index_price
        before, reserves = protocol.collateral(winner), protocol.pool.reserves()
        terms = {"index_price": price, "fee_rate": WAD // 20, "fund_fee_share": WAD}
        operator = protocol.operator()
        operator.settle(tuple((ORDER | {"account": id_of(winner), "size_delta": -WAD} | terms).values()))
        growth = protocol.collateral(winner) - before
        assert growth > 0
        unpaid = logs_of(operator, "GainUnpaid")
        assert [(event.fund_draw, event.haircut) for event in unpaid] == (
            [] if pays_gain else [(growth - reserves, 0)]
        )
        assert protocol.pool.reserves() == max(reserves - growth, 0)
        protocol.check_books()
