"""Portfolio mode: what the model says to the wei, within its bounds, and without it."""

from __future__ import annotations

import boa
import pytest

from sim.reference import portfolio_math as twin
from sim.reference.fixed_point import WAD
from tests.support.deployers import deploy
from tests.support.own_formula import SETTABLE_FORMULA
from tests.support.protocol import NOBODY, OPEN_INTEREST_CAP, Protocol, id_of
from tests.support.risk_parameters import PORTFOLIO as PARAMETERS

PORTFOLIO = 2
SKEW_SCALE = 10_000 * WAD
MAX_PREMIUM = WAD // 1_000

CORRELATIONS = [0] * twin.PAIRS
CORRELATIONS[twin.pair(0, 1)] = 9 * WAD // 10
CORRELATIONS[twin.pair(0, 2)] = 7 * WAD // 10
CORRELATIONS[twin.pair(1, 2)] = 8 * WAD // 10

LEG = """struct PortfolioLeg:
    notional: int256
    ratio: uint256
    base_ratio: uint256
    confidence: uint256
    price: uint256
    max_premium: uint256
struct PortfolioMargin:
    requirement: uint256
    alone_share: uint256
    together_share: uint256
    scan_ratios: uint256[8]
"""
SWITCHED = f"""# pragma version 0.4.3
{LEG}
answer: public(PortfolioMargin)
fault: public(uint256)
@external
def set(fault: uint256, answer: PortfolioMargin):
    self.fault = fault
    self.answer = answer
@view
@external
@raw_return
def portfolio_margin(legs: PortfolioLeg[8]) -> Bytes[352]:
    assert self.fault != 1, "broken"
    if self.fault == 2:
        for i: uint256 in range(10**12):
            pass
    answer: Bytes[352] = abi_encode(self.answer)
    if self.fault == 3:
        return slice(answer, 0, 320)
    return answer
"""
"""A designer's portfolio model that answers what it is told, reverts, does not end or answers in part."""


ESTIMATES = """# pragma version 0.4.3
least: public(int256)
@external
def set(least: int256):
    self.least = least
@view
@external
def least_correlation(longs: uint256, shorts: uint256) -> int256:
    assert self.least != 2, "broken"
    # Bits of two markets: long the first, short the second.
    assert longs & 3 == 1 and shorts & 3 == 2, "another book"
    return self.least
"""
"""Who estimates correlations as told, and reverts at 2."""


def model(owner, estimates=NOBODY, **changes):
    words = tuple((PARAMETERS | changes).values())
    return deploy("PortfolioRiskModel", owner, estimates, CORRELATIONS, words)


def with_model(protocol: Protocol, made=None):
    made = made or model(protocol.owner)
    protocol.risk.set_portfolio_model(made.address, sender=protocol.owner)
    return made


def hedged(protocol: Protocol, name: str, quote: int, sizes, mode: int = PORTFOLIO) -> str:
    account = protocol.account(name, quote)
    protocol.desk.set_mode(0, mode, sender=account)
    for market, size in enumerate(sizes):
        if size:
            protocol.increase(account, size * WAD, market=market)
    return account


@pytest.fixture
def protocol(build) -> Protocol:
    made = build(markets=3, skew_scale=SKEW_SCALE, max_premium=MAX_PREMIUM)
    for market, (initial, maintenance) in enumerate(((10, 5), (8, 4), (6, 3))):
        made.set_ratios(initial * WAD // 100, maintenance * WAD // 100, market=market)
    return made


def expected(
    protocol: Protocol, account: str, kind: str, estimated: int = WAD, ratios: dict[int, int] | None = None
) -> twin.PortfolioMargin:
    """What the twin makes of an account at its risk prices, with ratios given or those that it has now."""
    legs = []
    for market in range(8):
        size = protocol.position(account, market).size if market < 3 else 0
        if not size:
            legs.append(twin.PortfolioLeg())
            continue
        snapshot = protocol.registry.market_snapshot(market)
        notional = -(-abs(size) * snapshot.risk_price // WAD)
        ratio = getattr(snapshot, f"{kind}_ratio")
        if kind == "maintenance":
            row = protocol.lens.positions(market, [id_of(account)])[0]
            ratio = ratios[market] if ratios else row.effective_maintenance_ratio
        legs.append(
            twin.PortfolioLeg(
                notional=notional if size > 0 else -notional,
                ratio=ratio,
                base_ratio=getattr(snapshot, f"{kind}_ratio"),
                confidence=snapshot.confidence,
                price=snapshot.index_price,
                max_premium=MAX_PREMIUM,
            )
        )
    parameters = twin.PortfolioParameters(**PARAMETERS)
    return twin.portfolio_margin(legs, CORRELATIONS, parameters, estimated=estimated)


@pytest.mark.parametrize("sizes", [(10, -10, 0), (10, -9, -2), (-10, 3, 8), (5, 6, 7), (0, 10, 0)])
def test_what_positions_require_together_is_the_twins_word(protocol, sizes):
    with_model(protocol)
    account = hedged(protocol, "hedged", 20_000, sizes)
    cross = hedged(protocol, "cross", 20_000, sizes, mode=0)
    protocol.set_price(2_010 * WAD)
    protocol.set_price(1_985 * WAD, market=1)
    state, other = protocol.risk.account_states([id_of(account), id_of(cross)])
    together = expected(protocol, account, "maintenance")
    assert state.maintenance_requirement == together.requirement
    initial = expected(protocol, account, "initial").requirement
    assert state.initial_requirement == max(initial, together.requirement)
    is_hedged = min(sizes) < 0 < max(sizes)
    assert (state.maintenance_requirement < other.maintenance_requirement) == is_hedged
    assert (state.initial_requirement < other.initial_requirement) == is_hedged
    inputs = protocol.risk.liquidation_account(id_of(account))
    assert inputs.maintenance_requirement == state.maintenance_requirement
    assert (inputs.alone_share, inputs.together_share) == (together.alone_share, together.together_share)
    assert [leg.scan_ratio for leg in inputs.legs] == list(together.scan_ratios)
    plain = protocol.risk.liquidation_account(id_of(cross))
    assert (plain.alone_share, plain.together_share) == (WAD, WAD)
    assert [leg.scan_ratio for leg in plain.legs] == [WAD if size else 0 for size in (*sizes, *[0] * 5)]


def test_an_estimate_counts_where_it_is_below_what_is_stated(protocol):
    estimates = boa.loads(ESTIMATES)
    estimates.set(WAD)
    with_model(protocol, model(protocol.owner, estimates.address))
    account = hedged(protocol, "hedged", 20_000, (10, -10, 0))
    asked = []
    for level in (WAD, 95 * WAD // 100, WAD // 2, -WAD // 2):
        estimates.set(level)
        state = protocol.risk.account_states([id_of(account)])[0]
        assert state.maintenance_requirement == expected(protocol, account, "maintenance", level).requirement
        assert state.initial_requirement == expected(protocol, account, "initial", level).requirement
        asked.append(state.maintenance_requirement)
    assert asked[0] == asked[1] < asked[2] < asked[3]
    estimates.set(2)  # an estimate that fails is a model that fails
    silent = protocol.risk.account_states([id_of(account)])[0]
    assert silent.maintenance_requirement < asked[0]
    with boa.reverts("portfolio_formula: no good answer"):
        protocol.increase(account, WAD)


def test_many_at_once_are_what_each_is_alone(protocol):
    with_model(protocol)
    accounts = [
        hedged(protocol, "cross", 20_000, (10, -10, 0), mode=0),
        hedged(protocol, "hedged", 20_000, (10, -9, -2)),
        hedged(protocol, "flat", 20_000, (0, 0, 0)),
        hedged(protocol, "other", 20_000, (0, 4, -3)),
        hedged(protocol, "long", 20_000, (1, 0, 2)),
    ]
    protocol.set_price(1_985 * WAD, market=1)
    together = protocol.risk.account_states([id_of(account) for account in accounts])
    assert together == [protocol.risk.account_states([id_of(account)])[0] for account in accounts]
    for account, state in zip(accounts[1:], together[1:], strict=True):
        assert state.maintenance_requirement == expected(protocol, account, "maintenance").requirement


def test_a_hedge_is_let_in_with_less_than_its_legs_ask(protocol):
    with_model(protocol)
    for mode in (0, PORTFOLIO):
        account = protocol.account(f"mode {mode}", 2_600)
        protocol.desk.set_mode(0, mode, sender=account)
        protocol.increase(account, 10 * WAD)  # 2,000 of 20,000
        if mode == PORTFOLIO:
            protocol.increase(account, -10 * WAD, market=1)  # 1,600 more alone
        else:
            with boa.reverts("margin_checks: margin too low"):
                protocol.increase(account, -10 * WAD, market=1)
    free = protocol.collateral(account)
    with boa.reverts("margin_checks: margin too low"):  # a tenth of the notional must stay, hedged or not
        protocol.withdraw(account, free // 10**12 // 10)
    with boa.reverts("accounts: position open"):
        protocol.desk.set_mode(0, 0, sender=account)


def test_without_a_model_the_mode_is_cross(protocol):
    assert protocol.risk.portfolio_model() == NOBODY
    account = hedged(protocol, "hedged", 20_000, (10, -10, 0))
    cross = hedged(protocol, "cross", 20_000, (10, -10, 0), mode=0)
    one, other = protocol.risk.account_states([id_of(account), id_of(cross)])
    assert one.maintenance_requirement == other.maintenance_requirement
    assert one.initial_requirement == other.initial_requirement


def test_who_may_name_a_model_and_which(protocol):
    good = model(protocol.owner)
    with boa.reverts("access: not owner"):
        protocol.risk.set_portfolio_model(good.address, sender=protocol.liquidator)
    with boa.reverts("portfolio_formula: no contract"), boa.env.prank(protocol.owner):
        protocol.risk.set_portfolio_model(protocol.liquidator)
    with boa.reverts("portfolio_formula: no good answer"), boa.env.prank(protocol.owner):
        protocol.risk.set_portfolio_model(protocol.oracle.address)
    with_model(protocol, good)
    assert protocol.risk.portfolio_model() == good.address


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"floor_share": WAD // 10 - 1}, "portfolio_math: floor_share"),
        ({"far_multiple": WAD - 1}, "portfolio_math: far_multiple"),
        ({"far_weight": WAD + 1}, "portfolio_math: far_weight"),
    ],
)
def test_a_model_of_bad_parameters_is_not_deployed(changes, reason):
    with boa.reverts(reason):
        model(boa.env.generate_address("owner"), **changes)


def test_correlations_that_are_none_are_refused():
    impossible = [0] * twin.PAIRS
    impossible[twin.pair(0, 1)] = impossible[twin.pair(1, 2)] = 9 * WAD // 10
    owner = boa.env.generate_address("owner")
    with boa.reverts("portfolio_math: no correlation matrix"):
        deploy("PortfolioRiskModel", owner, NOBODY, impossible, tuple(PARAMETERS.values()))
    with boa.reverts("portfolio_model: zero owner"):
        deploy("PortfolioRiskModel", NOBODY, NOBODY, CORRELATIONS, tuple(PARAMETERS.values()))


def alone(legs) -> int:
    """What legs require with no offset."""
    return sum(-(-leg.notional * leg.maintenance_ratio // WAD) for leg in legs)


@pytest.mark.parametrize("fault", [1, 2, 3])
def test_a_models_silence_liquidates_nobody_and_lets_nobody_in(protocol, fault):
    made = boa.loads(SWITCHED)
    good = (1, WAD, WAD, [1] * 8)
    made.set(0, good)
    with_model(protocol)
    account = hedged(protocol, "hedged", 2_600, (10, -10, 0))
    whole = protocol.risk.account_states([id_of(account)])[0]
    with_model(protocol, made)
    made.set(fault, good)
    silent = protocol.risk.account_states([id_of(account)])[0]
    # A tenth of 1,000 and 800, or the largest premium of 40,000.
    assert silent.maintenance_requirement == max(1_800 * WAD // 10, 40_000 * WAD * MAX_PREMIUM // WAD)
    assert silent.maintenance_requirement < whole.maintenance_requirement
    assert silent.initial_requirement == 3_600 * WAD  # the sum, as nobody knows better
    with boa.reverts("portfolio_formula: no good answer"):
        protocol.increase(account, WAD)
    with boa.reverts("portfolio_formula: no good answer"):
        protocol.withdraw(account, 1)
    with boa.reverts("liquidation: healthy"):
        protocol.liquidate(account)
    protocol.decrease(account, WAD)  # exits do not depend on it
    protocol.set_price(1_735 * WAD + 7)  # a loss of 2,385 of some 2,600
    protocol.set_price(2_012 * WAD, market=1)
    below = protocol.risk.account_states([id_of(account)])[0]
    assert below.equity < below.maintenance_requirement
    inputs = protocol.risk.liquidation_account(id_of(account))
    most = alone(inputs.legs)
    assert most % 10 != 0
    assert inputs.maintenance_requirement == -(-most // 10)
    # What a close frees is its part of that, so that more closes than if it freed all it asks alone.
    assert inputs.alone_share == inputs.together_share == inputs.maintenance_requirement * WAD // most
    before = [abs(protocol.position(account, market).size) for market in range(2)]
    protocol.liquidate(account)
    after = [abs(protocol.position(account, market).size) for market in range(2)]
    assert sum(after) < sum(before)


def test_no_answer_is_believed_beyond_its_bounds(protocol):
    made = boa.loads(SWITCHED)
    made.set(0, (1, WAD, WAD, [1] * 8))
    with_model(protocol, made)
    account = hedged(protocol, "hedged", 20_000, (10, -10, 0))
    least = protocol.risk.liquidation_account(id_of(account))
    assert least.maintenance_requirement == 1_800 * WAD // 10
    made.set(0, (2**250, 2**250, 2**250, [2**250] * 8))
    most = protocol.risk.liquidation_account(id_of(account))
    assert most.maintenance_requirement == 1_800 * WAD
    assert (most.alone_share, most.together_share) == (WAD, WAD)
    assert [leg.scan_ratio for leg in most.legs[:2]] == [WAD // 20, WAD // 25]
    made.set(0, (1, 0, 0, [0] * 8))
    assert [leg.scan_ratio for leg in protocol.risk.liquidation_account(id_of(account)).legs[:2]] == [1, 1]


def test_a_silent_model_asks_for_no_more_than_the_sum(build):
    protocol = build(markets=2, skew_scale=SKEW_SCALE, max_premium=WAD // 50)
    formula = boa.loads(SETTABLE_FORMULA)
    formula.set(10 * WAD // 100, 25 * WAD // 1_000, 0, 0)
    for market in range(2):
        protocol.registry.set_market(market, formula.address, OPEN_INTEREST_CAP, sender=protocol.owner)
    made = boa.loads(SWITCHED)
    made.set(0, (1, WAD, WAD, [1] * 8))
    with_model(protocol, made)
    account = hedged(protocol, "hedged", 20_000, (10, -10))
    formula.set(10 * WAD // 100, WAD // 100, 0, 0)  # below the largest premium
    made.set(1, (1, WAD, WAD, [1] * 8))
    inputs = protocol.risk.liquidation_account(id_of(account))
    assert inputs.maintenance_requirement == alone(inputs.legs)
    assert inputs.alone_share == WAD


def test_what_positions_required_at_entry(protocol):
    """Whether a parameter is the cause is asked of what legs required at entry, never of more than now."""
    with_model(protocol)
    account = hedged(protocol, "hedged", 20_000, (10, -10, 0))
    entered = protocol.risk.liquidation_account(id_of(account))
    assert entered.entry_requirement == entered.maintenance_requirement
    protocol.set_ratios(60 * WAD // 100, 50 * WAD // 100)
    risen = protocol.risk.liquidation_account(id_of(account))
    assert risen.equity > risen.maintenance_requirement > alone(entered.legs)
    assert risen.entry_requirement == alone(entered.legs)  # known without the model: all is well


def test_what_a_hedge_under_maintenance_required_at_entry(protocol):
    """Leg by leg the lesser of what it asks now and asked at entry, together."""
    with_model(protocol)
    account = hedged(protocol, "hedged", 3_000, (10, -10, 0))
    protocol.set_ratios(2 * WAD // 100, WAD // 100)
    protocol.set_ratios(60 * WAD // 100, 50 * WAD // 100, market=1)
    inputs = protocol.risk.liquidation_account(id_of(account))
    assert inputs.equity < inputs.maintenance_requirement
    lesser = {0: WAD // 100, 1: 4 * WAD // 100}
    assert inputs.entry_requirement == expected(protocol, account, "maintenance", ratios=lesser).requirement


def test_leaving_at_the_largest_premium_is_always_required(build):
    """However low the floor: else two accounts take the difference from the fund at a constant price."""
    protocol = build(markets=2, skew_scale=SKEW_SCALE, max_premium=WAD // 50)
    for market in range(2):
        protocol.set_ratios(10 * WAD // 100, 25 * WAD // 1_000, market=market)
    made = boa.loads(SWITCHED)
    made.set(0, (1, WAD, WAD, [1] * 8))
    with_model(protocol, made)
    account = hedged(protocol, "hedged", 20_000, (10, -10))
    state = protocol.risk.account_states([id_of(account)])[0]
    assert state.maintenance_requirement == 40_000 * WAD // 50
