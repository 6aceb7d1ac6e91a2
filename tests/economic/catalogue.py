"""One fault in the contracts for a rule of the bench, each in one place."""

from __future__ import annotations

from collections.abc import Mapping

from tests.support.economic.old_rules import OldRule

Edit = tuple[str, str, str]


def fault(
    rule: str,
    name: str,
    *edits: Edit,
    attacks: tuple[str, ...] | None = None,
    given: Mapping[str, float] | None = None,
    assets: bool = False,
) -> OldRule:
    """Return a fault that a rule of the bench must report within few histories."""
    return OldRule(
        name=name,
        edits=edits,
        attacks=attacks,
        histories=60,
        broken=rule,
        given=given or {},
        assets=assets,
    )


_UNBOUND = {
    "liquidation.min_close_share": 0.0,
    "liquidation.max_close_impact": 1.0,
    "liquidation.backstop_close_impact": 1.0,
    "liquidation.average_price_band": 1.0,
}
"""Nothing holds a liquidation back."""

_AT_ANY_PRICE: Edit = (
    "modules/collateral_exchange.vy",
    "            constants.WAD - collateral_assets.assets[asset].sale_band,\n        ),\n",
    "            0 * collateral_assets.assets[asset].sale_band,\n        ),\n",
)
"""What the pool of an asset stands at is not held against the oracle's price."""

FAULTS = (
    fault(
        "A4",
        "funding counts a second more each time it is brought up to date",
        (
            "modules/funding.vy",
            "        rate, index_price, block.timestamp - accrued_at\n",
            "        rate, index_price, block.timestamp - accrued_at + 1\n",
        ),
    ),
    fault(
        "A6",
        "a withdrawal sends half of what it books",
        (
            "modules/bookings.vy",
            "    # INTERACTIONS\n    connections._send_tokens(receiver, booked)\n",
            (
                "    # INTERACTIONS\n"
                "    connections._send_tokens(\n"
                "        receiver, booked // (2 * constants.QUANTUM) * constants.QUANTUM\n"
                "    )\n"
            ),
        ),
    ),
    fault(
        "B3",
        "a reduction waits until the risk price is the index",
        (
            "modules/trading.vy",
            '    assert held != 0, "trading: no position"\n',
            (
                '    assert held != 0, "trading: no position"\n'
                '    assert snapshot.risk_price == snapshot.index_price, "trading: too fast"\n'
            ),
        ),
    ),
    fault(
        "B4",
        "unrealised gains count beyond their cap",
        (
            "modules/account_risk.vy",
            "            gains, risk_params.parameters.upnl_weight, risk_params.parameters.upnl_cap\n",
            "            gains, 10**18, risk_params.parameters.upnl_cap + gains\n",
        ),
    ),
    fault(
        "B4",
        "a hedge begins with half of what its scenarios ask",
        (
            "modules/account_risk.vy",
            "found.ratios, INITIAL, snapshots)\n        )\n",
            "found.ratios, INITIAL, snapshots)\n        ) // 2\n",
        ),
        attacks=("part",),
    ),
    fault(
        "B7",
        "collateral leaves while a deficit pends",
        (
            "modules/trading.vy",
            (
                '    assert staticcall LOSS_WATERFALL.withdrawals_open(), "trading: deficit pending"\n'
                "    account: uint256 = account_ids._account_id(msg.sender, index)\n"
                "    extcall RISK_ENGINE.check_withdraw(account, amount * constants.QUANTUM)\n"
            ),
            (
                "    account: uint256 = account_ids._account_id(msg.sender, index)\n"
                "    extcall RISK_ENGINE.check_withdraw(account, amount * constants.QUANTUM)\n"
            ),
        ),
        attacks=("bankruptcy",),
    ),
    fault(
        "C1b",
        "an account is liquidated at half of what it must hold",
        (
            "modules/liquidation_plans.vy",
            "    if inputs.equity >= convert(inputs.maintenance_requirement, int256):\n",
            "    if inputs.equity >= convert(inputs.maintenance_requirement // 2, int256):\n",
        ),
    ),
    fault(
        "C2",
        "a withdrawal is not checked",
        (
            "modules/trading.vy",
            "    extcall RISK_ENGINE.check_withdraw(account, amount * constants.QUANTUM)\n",
            "",
        ),
    ),
    fault(
        "C3",
        "a liquidation leaves dust",
        (
            "lib/liquidation_math.vy",
            "    if held - closed < smallest and held <= most:\n        return held\n    return closed\n",
            "    return closed\n",
        ),
        attacks=("bankruptcy", "thin"),
        given=_UNBOUND | {"registry.min_position_notional": 3_000_000.0, "liquidation.buffer": 0.0},
    ),
    fault(
        "C4c",
        "a liquidation's fee may be more than the account's equity",
        (
            "modules/liquidation_plans.vy",
            "        liquidation_params.parameters.fee_equity_share,\n",
            "        10 * 10**18,\n",
        ),
        (
            "modules/liquidation_plans.vy",
            "        parameters.fee_max,\n        maintenance_cap,\n",
            "        parameters.fee_max,\n        parameters.fee_max + 0 * maintenance_cap,\n",
        ),
        attacks=("bankruptcy", "two_markets", "thin"),
        # A part closes at a time: of an account that closes whole, no more can be taken than it has.
        given=_UNBOUND
        | {
            "liquidation.fee_base": 0.2,
            "liquidation.fee_max": 0.2,
            "liquidation.max_close_impact": 0.02,
            "liquidation.backstop_close_impact": 0.02,
        },
    ),
    fault(
        "C10",
        "deleveraging closes winners at the risk price",
        (
            "modules/deleveraging.vy",
            "    order.index_price = snapshot.index_price\n",
            "    order.index_price = snapshot.risk_price\n",
        ),
        attacks=("bankruptcy",),
    ),
    fault(
        "D1",
        "the risk price jumps with the index",
        (
            "modules/oracle_estimators.vy",
            "        state.index_price,\n        state.base_price,\n",
            "        state.index_price,\n        state.index_price,\n",
        ),
        given={"oracle.limiter_coefficient": 0.0, "oracle.limiter_minimum": 0.01},
    ),
    fault(
        "D3",
        "risk is added at any price",
        (
            "modules/oracle_rounds.vy",
            "        return status <= oracle_parameters.PARAMETERS.open_status\n",
            "        return True\n",
        ),
        attacks=("doubt",),
    ),
    fault(
        "D4",
        "the index is the lowest report",
        (
            "lib/oracle_math.vy",
            "        if unsafe_mul(cumulative, 2) >= total:\n",
            "        if cumulative != 0:\n",
        ),
    ),
    fault(
        "D6",
        "anybody reports in the first reporter's name",
        (
            "modules/oracle_sources.vy",
            '    assert position != 0, "oracle: not a reporter"\n    return unsafe_sub(position, 1)\n',
            "    return max(position, 1) - 1\n",
        ),
    ),
    fault(
        "D7",
        "an estimated correlation falls as far as it likes",
        (
            "modules/correlations.vy",
            "state.level, target, elapsed, p.fall_per_hour",
            "state.level, target, 10**6 * elapsed, p.fall_per_hour",
        ),
        attacks=("part",),
        given={
            "correlation.sample_seconds": 60,
            "correlation.least_sample_count": 1,
            "correlation.fall_per_hour": 0.1,
        },
    ),
    fault(
        "D8",
        "a chosen variance falls at once",
        (
            "modules/estimator_updates.vy",
            "            p.fall_per_hour,\n        )\n",
            "            p.fall_per_hour + 10_000 * constants.WAD,\n        )\n",
        ),
        attacks=("swing",),
        assets=True,
    ),
    fault(
        "D8",
        "margin is multiplied by twice what red asks for",
        (
            "modules/estimator_performance.vy",
            "        p.yellow_multiplier,\n        p.red_multiplier,\n        p.decay_seconds,\n",
            "        p.yellow_multiplier,\n        2 * p.red_multiplier,\n        p.decay_seconds,\n",
        ),
        attacks=("blame",),
        assets=True,
    ),
    fault(
        "F3",
        "a position of any size may be opened",
        (
            "modules/trading.vy",
            (
                "    assert (\n"
                "        margin_math._notional(held + size_delta, snapshot.index_price)\n"
                "        >= snapshot.min_position_notional\n"
                '    ), "trading: position too small"\n'
            ),
            "",
        ),
    ),
    fault(
        "G4",
        "a pause stops reductions too",
        (
            "modules/trading.vy",
            '    assert held != 0, "trading: no position"\n',
            '    assert held != 0, "trading: no position"\n    pausable._check_not_paused()\n',
        ),
    ),
    fault(
        "A7",
        "the fund counts what it holds instead of what it has booked",
        (
            "modules/fund_vault.vy",
            (
                "    return erc4626_vault.reserves // constants.QUANTUM\n\n\n@view\n@internal\n"
                "def _entry_assets"
            ),
            (
                "    return staticcall IERC20(erc4626_vault.ASSET).balanceOf(self)\n"
                "\n\n@view\n@internal\n"
                "def _entry_assets"
            ),
        ),
        (
            "modules/fund_vault.vy",
            "from ..lib import constants\n",
            "from ..interfaces import IERC20\nfrom ..lib import constants\n",
        ),
    ),
    fault(
        "B5m",
        "a formula asks less of larger positions",
        (
            "risk_models/StaticRiskModel.vy",
            "        initial=PARAMETERS.initial_ratio, maintenance=PARAMETERS.maintenance_ratio\n    )\n",
            (
                "        initial=PARAMETERS.initial_ratio - min(inputs.notional, 10**21) // 10**6,\n"
                "        maintenance=PARAMETERS.maintenance_ratio,\n    )\n"
            ),
        ),
    ),
    fault(
        "E1",
        "a vault gives a share less than it said",
        (
            "modules/erc4626_vault.vy",
            "    token._mint(receiver, shares)\n",
            "    token._mint(receiver, shares - 1)\n",
        ),
    ),
    fault(
        "E3",
        "a backer that leaves takes a hundredth more than its shares are worth",
        (
            "modules/fund_vault.vy",
            "    assets: uint256 = erc4626_vault._assets_down(shares, self._free_assets())\n",
            (
                "    assets: uint256 = (\n"
                "        erc4626_vault._assets_down(shares, self._free_assets()) * 101 // 100\n"
                "    )\n"
            ),
        ),
    ),
    fault(
        "G1",
        "anybody sets how fills are priced",
        (
            "modules/market_making.vy",
            '    access._check_owner()\n    assert market < self.market_count, "pool: unknown market"\n',
            '    assert market < self.market_count, "pool: unknown market"\n',
        ),
    ),
    fault(
        "G2",
        "the governor does not look at bounds",
        (
            "modules/governance_rules.vy",
            '    assert x >= rule.minimum and x <= rule.maximum, "governor: out of bounds"\n',
            "    pass\n",
        ),
    ),
    fault(
        "C8s",
        "who has no equity left is not liquidated",
        (
            "modules/liquidation_plans.vy",
            "    if inputs.equity >= convert(inputs.maintenance_requirement, int256):\n",
            (
                "    if (\n"
                "        inputs.equity < 0\n"
                "        or inputs.equity >= convert(inputs.maintenance_requirement, int256)\n"
                "    ):\n"
            ),
        ),
    ),
    fault(
        "A8",
        "a deposit of an asset books a unit more than arrives",
        (
            "modules/collateral_balances.vy",
            "    after: uint256 = self.balances[account][asset] + received\n",
            "    after: uint256 = self.balances[account][asset] + received + 1\n",
        ),
        assets=True,
    ),
    fault(
        "A9",
        "what is secured no more stays in the sum",
        (
            "modules/loss_waterfall.vy",
            "    self.total_secured = self.total_secured + secured - before\n",
            "    self.total_secured = self.total_secured + secured\n",
        ),
        attacks=("behind_lien", "push"),
        assets=True,
    ),
    fault(
        "C13",
        "a lien is for more than others have paid",
        (
            "modules/collateral_balances.vy",
            "        self._set_lien(account, lien + amount)\n",
            "        self._set_lien(account, lien + 2 * amount)\n",
        ),
        attacks=("behind_lien",),
        assets=True,
    ),
    fault(
        "C14",
        "a forced sale fills at whatever its pool gives",
        _AT_ANY_PRICE,
        attacks=("push",),
        assets=True,
    ),
)
