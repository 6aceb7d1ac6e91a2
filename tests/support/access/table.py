"""The table of access: for each function that changes anything, who is let in and what others are told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tests.support.access.roles import EVERYBODY, FREE, GOVERNOR, HELD, HOLDER, NOBODY, OPERATORS

if TYPE_CHECKING:
    from tests.support.access.world import AccessWorld

DONE: Final = "done"
WAD: Final = 10**18
UNIT: Final = 10**6

Arguments = Callable[["AccessWorld", str], tuple[Any, ...]]
"""(world, caller's address) -> what a function is called with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One function, or one way of calling it."""

    contract: str
    function: str
    arguments: Arguments
    who: frozenset[str]
    """Roles that are let in while nothing is under way."""
    others: str = ""
    """What everybody else is told."""
    scene: str = "calm"
    """State of the world in which it can be done."""
    free: str = DONE
    """What who is let in is told: anything but ``DONE`` says that it cannot be done in any scene."""
    paused: str = ""
    """The same while the desk is paused, if it differs."""
    held: str = ""
    """The same while somebody holds the ledger's lock, if it differs."""
    others_held: str = ""
    """What everybody else is told then, if it differs."""
    holder_only: bool = False
    """While somebody holds the ledger's lock, who does is let in, and nobody else ever."""
    case: str = ""
    """Which way of calling it, if there are several."""

    def expected(self, role: str, state: str) -> str:
        """Return what a role is told in a state."""
        if self.holder_only:
            return DONE if state == HELD and role == HOLDER else self.others
        if role not in self.who:
            return (self.others_held if state == HELD else "") or self.others
        return {FREE: "", HELD: self.held}.get(state, self.paused) or self.free


OWNER: Final = "access: not owner"
LOCKED: Final = "operators: locked"
NOT_OPERATOR: Final = "operators: not operator"
GOVERNED: Final = frozenset({GOVERNOR})
OWNED: Final = (
    "price_oracle",
    "volatility_oracle",
    "ledger",
    "liquidity_pool",
    "insurance_fund",
    "market_registry",
    "collateral_registry",
    "spot_pool",
    "risk_engine",
    "loss_waterfall",
    "liquidation_engine",
    "trading_desk",
)
"""Contracts that the governor owns."""


def nothing(_world: AccessWorld, _caller: str) -> tuple[Any, ...]:
    """No arguments."""
    return ()


def fixed(*arguments: Any) -> Arguments:
    """Return the same arguments for everybody."""
    return lambda _world, _caller: arguments


def current(contract: str) -> Arguments:
    """Return the parameters that a contract has."""
    return lambda world, _caller: (world.read(contract, "parameters"),)


def owners(contract: str) -> list[Row]:
    """Return the rows of two-step ownership."""
    owner = frozenset({"governance"}) if contract == GOVERNOR else GOVERNED
    return [
        Row(
            contract=contract,
            function="transfer_ownership",
            arguments=lambda world, _caller: (world.addresses["stranger"],),
            who=owner,
            others=OWNER,
        ),
        Row(
            contract=contract,
            function="accept_ownership",
            arguments=nothing,
            who=frozenset({"heir"}),
            others="access: not pending owner",
        ),
    ]


def of_owner(contract: str, function: str, arguments: Arguments, **more: Any) -> Row:
    """Return the row of a function that is its owner's."""
    return Row(contract=contract, function=function, arguments=arguments, who=GOVERNED, others=OWNER, **more)


def of_ledger(contract: str, function: str, arguments: Arguments, others: str) -> Row:
    """Return the row of a function that only the ledger calls."""
    return Row(
        contract=contract,
        function=function,
        arguments=arguments,
        who=frozenset({"ledger"}),
        others=others,
        scene="open",
    )


def of_operators(function: str, arguments: Arguments, **more: Any) -> Row:
    """Return the row of a function of the ledger that only operators call."""
    return Row(
        contract="ledger",
        function=function,
        arguments=arguments,
        who=OPERATORS,
        others=NOT_OPERATOR,
        scene="open",
        **more,
    )


def of_everybody(contract: str, function: str, arguments: Arguments, **more: Any) -> Row:
    """Return the row of a function that anybody calls, for itself if it is of an account or of shares."""
    return Row(contract=contract, function=function, arguments=arguments, who=EVERYBODY, **more)


def of_holder(contract: str, function: str, arguments: Arguments, others: str) -> Row:
    """Return the row of a function of whoever holds the ledger's lock."""
    return Row(
        contract=contract,
        function=function,
        arguments=arguments,
        who=NOBODY,
        others=others,
        scene="open",
        holder_only=True,
    )


def shares(contract: str, held: str) -> list[Row]:
    """Return the rows of a vault's shares, and of going in and out."""
    spender: dict[str, Any] = {
        "who": frozenset({"spender"}),
        "others": "token: allowance too low",
        "case": "of another's shares",
    }
    owner_too = spender | {"who": frozenset({"spender", "trader"})}
    away = {"held": held, "others_held": held}

    def from_trader(world: AccessWorld, caller: str) -> tuple[Any, ...]:
        return (UNIT, caller, world.trader)

    return [
        of_everybody(contract, "transfer", lambda world, _caller: (world.winner, 1)),
        of_everybody(contract, "approve", lambda world, _caller: (world.winner, 1)),
        Row(
            contract=contract,
            function="transferFrom",
            arguments=lambda world, _caller: (world.trader, world.winner, UNIT),
            **spender,
        ),
        of_everybody(contract, "deposit", lambda world, _caller: (UNIT, world.winner), held=held),
        of_everybody(contract, "mint", lambda world, _caller: (10**12, world.winner), held=held),
        of_everybody(contract, "withdraw", lambda _world, caller: (UNIT, caller, caller), held=held),
        of_everybody(contract, "redeem", lambda _world, caller: (10**12, caller, caller), held=held),
        Row(contract=contract, function="withdraw", arguments=from_trader, **owner_too, **away),
        Row(
            contract=contract,
            function="redeem",
            arguments=lambda world, caller: (10**12, caller, world.trader),
            **owner_too,
            **away,
        ),
        of_everybody(contract, "request_exit", fixed(1)),
        of_everybody(contract, "cancel_exit", nothing),
    ]


def own(world: AccessWorld, _caller: str) -> int:
    """Return the trader's account."""
    return world.account_of(world.trader)


ORACLE: Final = [
    of_owner("price_oracle", "add_asset", fixed(WAD, WAD, WAD)),
    of_owner("price_oracle", "add_reporter", lambda w, _: (0, w.winner, 1, 3_600)),
    of_owner("price_oracle", "remove_reporter", lambda w, _: (0, w.keepers[1])),
    of_owner("price_oracle", "change_reporter", lambda w, _: (0, w.keepers[1], 2, 3_600)),
    Row(
        contract="price_oracle",
        function="report",
        arguments=lambda w, _: (0, w.PRICE, 0, w.now),
        who=frozenset({"reporter"}),
        others="oracle: not a reporter",
    ),
]

VOLATILITY: Final = [
    of_owner("volatility_oracle", "add_market", lambda w, _: (WAD, w.winner)),
    of_owner(
        "volatility_oracle", "set_estimator", lambda w, _: (0, w.read("volatility_oracle", "parameters", 0))
    ),
    of_owner(
        "volatility_oracle",
        "set_performance",
        lambda w, _: (0, w.read("volatility_oracle", "performance_parameters", 0)),
    ),
    of_owner("volatility_oracle", "set_implied_reporter", lambda w, _: (0, w.winner)),
    Row(
        contract="volatility_oracle",
        function="report_implied",
        arguments=fixed(0, WAD),
        who=frozenset({"reporter"}),
        others="estimators: not the reporter",
    ),
    of_everybody("volatility_oracle", "update", fixed(0)),
    of_owner(
        "volatility_oracle",
        "set_correlation",
        lambda w, _: (w.read("volatility_oracle", "correlation_parameters"),),
    ),
    of_everybody("volatility_oracle", "update_pair", fixed(0, 1), scene="pair"),
]

LEDGER: Final = [
    of_owner(
        "ledger",
        "connect",
        lambda w, _: (w.at("liquidity_pool"), w.at("insurance_fund")),
        free="connections: connected",
    ),
    of_owner("ledger", "set_operator", lambda w, _: (w.winner, True)),
    of_operators("lock", nothing, held=LOCKED),
    of_holder("ledger", "unlock", nothing, "operators: not holder"),
    *(
        of_operators(function, arguments, free="operators: not locked", held=DONE)
        for function, arguments in (
            ("settle", lambda w, c: (w.order(own(w, c)),)),
            ("withdraw", lambda w, c: (own(w, c), UNIT, w.winner)),
            ("set_asset", lambda w, c: (own(w, c), 1, True)),
            ("draw_fund", lambda w, _: (w.account_of(w.debtor), WAD)),
            ("write_off", lambda w, _: (w.account_of(w.debtor),)),
            ("use_held", lambda w, _: (w.account_of(w.debtor), 0, 0, WAD)),
            ("release_held", lambda w, _: (w.account_of(w.winner), 0)),
            ("pay_tip", lambda w, _: (w.winner, WAD)),
        )
    ),
    of_operators("deposit", lambda w, c: (w.trader, own(w, c), UNIT), held=LOCKED),
    of_operators("set_mode", lambda w, _: (w.account_of(w.trader, 1), 1), held=LOCKED),
    of_operators("collect_fees", lambda w, _: (w.winner,), held=LOCKED),
]

POOL_LOCKED: Final = "pool: ledger locked"
NOT_LEDGER: Final = "pool: not ledger"
POOL: Final = [
    of_owner("liquidity_pool", "set_parameters", current("liquidity_pool")),
    of_owner("liquidity_pool", "connect", lambda w, _: (w.at("market_registry"),), free="pool: connected"),
    of_owner("liquidity_pool", "add_market", fixed(10**24, WAD // 100)),
    of_owner("liquidity_pool", "set_pricing_terms", fixed(0, 10**24, WAD // 100)),
    *shares("liquidity_pool", POOL_LOCKED),
    of_everybody("liquidity_pool", "request_deposit", fixed(UNIT), held=POOL_LOCKED),
    of_everybody("liquidity_pool", "claim_shares", lambda w, _: (w.trader,), held=POOL_LOCKED),
    of_everybody("liquidity_pool", "cancel_deposit", fixed(1), scene="late", held=POOL_LOCKED),
    of_ledger("liquidity_pool", "apply_fill", lambda w, _: (0, WAD, w.PRICE), NOT_LEDGER),
    of_ledger("liquidity_pool", "apply_deleverage", lambda w, _: (0, WAD, w.PRICE), NOT_LEDGER),
    Row(
        contract="liquidity_pool",
        function="collect",
        arguments=fixed(WAD),
        who=OPERATORS | {"ledger"},
        others=NOT_LEDGER,
        scene="open",
    ),
    of_ledger("liquidity_pool", "pay", fixed(WAD), NOT_LEDGER),
]

FUND: Final = [
    *shares("insurance_fund", "fund: ledger locked"),
    of_owner("insurance_fund", "set_drawer", lambda w, _: (w.winner, True)),
    of_owner("insurance_fund", "set_parameters", current("insurance_fund")),
    of_ledger("insurance_fund", "draw", lambda w, _: (WAD, w.winner), "fund: not drawer"),
    Row(
        contract="insurance_fund",
        function="contribute",
        arguments=fixed(WAD),
        who=OPERATORS | {"ledger"},
        others="fund: not drawer",
        scene="open",
    ),
]

REGISTRY: Final = [
    of_owner("market_registry", "set_parameters", current("market_registry")),
    of_owner("market_registry", "add_market", lambda w, _: (w.at("risk_model:0"), WAD)),
    of_owner("market_registry", "set_market", lambda w, _: (0, w.at("risk_model:0"), WAD)),
    of_everybody("market_registry", "poke", fixed(0)),
    of_everybody("market_registry", "touch_one", fixed(0)),
    of_everybody("market_registry", "touch", fixed(0, 1)),
]

COLLATERAL: Final = [
    of_owner(
        "collateral_registry",
        "add_asset",
        lambda w, _: (w.spare_token, w.at("collateral_oracle"), 0, w.spare_pool, w.asset_terms()),
    ),
    of_owner("collateral_registry", "set_parameters", lambda w, _: (0, w.asset_terms())),
    of_owner("collateral_registry", "set_spot_pool", lambda w, _: (0, w.at("spot_pool"))),
    *(
        Row(
            contract="collateral_registry",
            function=function,
            arguments=arguments,
            who=OPERATORS,
            others="collateral_balances: not operator",
            free="collateral_balances: not locked",
            held=DONE,
        )
        for function, arguments in (
            ("deposit", lambda w, c: (w.trader, own(w, c), 0, WAD)),
            ("withdraw", lambda w, c: (own(w, c), 0, WAD, w.winner)),
            ("sell", lambda w, c: (own(w, c), 0, UNIT, w.winner)),
            ("raise_lien", lambda w, c: (own(w, c), WAD)),
            ("lower_lien", lambda w, c: (own(w, c), WAD)),
        )
    ),
    of_everybody("collateral_registry", "note_prices", lambda w, c: (own(w, c),)),
    of_owner("spot_pool", "add_liquidity", fixed(WAD, UNIT)),
    of_owner("spot_pool", "remove_liquidity", lambda w, _: (WAD, UNIT, w.winner)),
    of_everybody("spot_pool", "swap", lambda _, c: (True, WAD, 0, c)),
]

NOT_HOLDER: Final = "margin_checks: not holder of the lock"
RISK: Final = [
    of_owner("risk_engine", "set_parameters", current("risk_engine")),
    of_owner("risk_engine", "set_portfolio_model", lambda w, _: (w.at("portfolio_risk_model"),)),
    of_owner("risk_engine", "set_cluster", lambda w, _: (w.account_of(w.trader, 0), 1)),
    of_holder("risk_engine", "check_initial", lambda w, c: (own(w, c), 0, w.snapshot()), NOT_HOLDER),
    of_holder("risk_engine", "check_withdraw", lambda w, c: (own(w, c), WAD), NOT_HOLDER),
    of_holder("risk_engine", "check_maintenance", lambda w, c: (own(w, c), 0), NOT_HOLDER),
]

WATERFALL: Final = [
    of_owner("loss_waterfall", "set_parameters", current("loss_waterfall")),
    of_owner("loss_waterfall", "set_deleverage_policy", lambda w, _: (w.at("deleverage_policy"),)),
    of_holder(
        "loss_waterfall",
        "resolve",
        lambda w, _: (w.account_of(w.debtor),),
        "loss_waterfall: not holder of the lock",
    ),
    *(
        of_everybody("loss_waterfall", function, arguments, scene=scene, held=LOCKED)
        for function, scene, arguments in (
            ("cover_deficit", "open", lambda w, _: (w.account_of(w.debtor),)),
            ("socialize_loss", "owed", lambda w, _: (w.account_of(w.debtor),)),
            ("release_held", "open", lambda w, _: (w.account_of(w.winner), 0)),
            ("sell_collateral", "open", lambda w, _: (w.account_of(w.pledger),)),
            ("repay_lien", "open", lambda w, _: (w.account_of(w.pledger), UNIT)),
            ("auto_deleverage", "owed", lambda w, _: (w.account_of(w.debtor), 0, [w.account_of(w.winner)])),
        )
    ),
]

WATERFALL.append(
    of_everybody("loss_waterfall", "refresh_secured", lambda w, _: (w.account_of(w.pledger),), scene="open")
)

LIQUIDATION: Final = [
    of_owner("liquidation_engine", "set_parameters", current("liquidation_engine")),
    of_everybody(
        "liquidation_engine", "liquidate", lambda w, _: (w.account_of(w.weak), 0), scene="open", held=LOCKED
    ),
]

PAUSE: Final = "pausable: paused"
DESK: Final = [
    of_owner("trading_desk", "pause", nothing, paused=PAUSE),
    of_owner("trading_desk", "unpause", nothing, free="pausable: not paused", paused=DONE),
    of_owner("trading_desk", "set_parameters", current("trading_desk")),
    of_owner("trading_desk", "collect_fees", lambda w, _: (w.winner,)),
    of_everybody("trading_desk", "deposit", lambda w, c: (own(w, c), UNIT), held=LOCKED),
    of_everybody("trading_desk", "withdraw", fixed(0, UNIT), held=LOCKED),
    Row(
        contract="trading_desk",
        function="deposit_collateral",
        arguments=lambda w, c: (own(w, c), 0, WAD),
        who=EVERYBODY - {"collateral_registry"},
        others="collateral_balances: nothing received",  # what it sends itself
        held=LOCKED,
    ),
    of_everybody("trading_desk", "withdraw_collateral", fixed(0, 0, WAD), held=LOCKED),
    of_everybody("trading_desk", "set_mode", fixed(1, 1), held=LOCKED),
    of_everybody("trading_desk", "increase_position", fixed(0, 0, WAD, 0), paused=PAUSE, held=LOCKED),
    of_everybody("trading_desk", "decrease_position", fixed(0, 0, WAD, 0), scene="open", held=LOCKED),
]


def _by_proposal(function: str, arguments: Arguments) -> Row:
    return Row(
        contract=GOVERNOR,
        function=function,
        arguments=arguments,
        who=GOVERNED,
        others="governor: not by proposal",
    )


def _of_governance(function: str, arguments: Arguments, **more: Any) -> Row:
    return Row(
        contract=GOVERNOR,
        function=function,
        arguments=arguments,
        who=frozenset({"governance"}),
        others=OWNER,
        **more,
    )


def _of_guardian(function: str, arguments: Arguments, *also: str, **more: Any) -> Row:
    return Row(
        contract=GOVERNOR,
        function=function,
        arguments=arguments,
        who=frozenset({"guardian", *also}),
        others="governor: not guardian",
        **more,
    )


def _rule(low: int) -> tuple[int, int, int, int, int, int, bool]:
    return (low, 10**20, WAD, WAD, WAD, 1, False)


GOVERNANCE: Final = [
    _of_governance("seal", nothing, free="governor: sealed"),
    _of_governance(
        "propose", lambda w, _: (w.at("trading_desk"), w.data("trading_desk", "collect_fees", w.winner))
    ),
    _of_governance("execute", lambda w, _: (w.queued,)),
    _of_governance("take_ownership", lambda w, _: (w.spare,)),
    _of_guardian("cancel", lambda w, _: (w.queued,), "governance"),
    _of_guardian("tighten", lambda w, _: (w.at("risk_engine"), w.tighter())),
    _of_guardian("pause", nothing, "governance", paused=PAUSE),
    _by_proposal("set_guardian", lambda w, _: (w.winner,)),
    _by_proposal("set_delays", fixed(2 * 86_400, 7 * 86_400)),
    _by_proposal(
        "register_setter",
        lambda w, _: (w.winner, b"\1\2\3\4", 0, False, (b"\1\2\3\5", 86_400, [_rule(0)])),
    ),
    _by_proposal("register_call", lambda w, _: (w.winner, b"\1\2\3\4", 1, True)),
    _by_proposal("register_model", lambda w, _: (1, w.read(GOVERNOR, "model_rule", 1)[0], [_rule(0)])),
    _by_proposal("register_market", fixed(0, 0)),
    _by_proposal("set_model_limits", fixed(_rule(0), _rule(0), 86_400)),
    _by_proposal("set_model", lambda w, _: (0, w.kind_of("static"), w.model_words())),
    _by_proposal("add_market", lambda w, _: (w.kind_of("static"), w.model_words(), WAD)),
]

TABLE: Final[Sequence[Row]] = (
    *(row for contract in (*OWNED, GOVERNOR) for row in owners(contract)),
    *ORACLE,
    *VOLATILITY,
    *LEDGER,
    *POOL,
    *FUND,
    *REGISTRY,
    *COLLATERAL,
    *RISK,
    *WATERFALL,
    *LIQUIDATION,
    *DESK,
    *GOVERNANCE,
)
"""Every function that changes anything, of every contract of the protocol."""
