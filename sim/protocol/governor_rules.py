"""What the ``RiskGovernor`` lets a parameter become: bounds, largest steps, the guardian's direction.

One table, keyed by the contracts' own field names, in people's units as in ``sim/protocol/parameters.py``.
A bound is the contract's own unless its source gives a reason for a tighter one. Sizes of steps are
assumptions throughout: tightening may move a word by half, loosening by a quarter, and a word without a
safer side may double or halve.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from sim.core.units import MAX_UINT256, QUANTUM, WAD, to_wad
from sim.protocol.parameters import Number, to_chain

DAY_SECONDS: Final = 86_400
DELAY_SECONDS: Final = 2 * DAY_SECONDS
"""Time-lock of parameters. Compound's Timelock: at least 2 days."""
LONG_DELAY_SECONDS: Final = 7 * DAY_SECONDS
"""Time-lock of rules, roles, ownership and calls without rules. Aave's long executor: 7 days."""
GRACE_SECONDS: Final = 14 * DAY_SECONDS
"""Window of execution. Compound's Timelock: 14 days; fixed in ``governance_roles.vy``."""
INTERVAL_SECONDS: Final = DAY_SECONDS
"""Least time between two executions on one setter. Assumption: a day to see what the last one did."""

Side = Literal["", "higher", "lower"]
_SIDES: Final = {"": 0, "higher": 1, "lower": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldRule:
    """What one field may become; amounts in people's units."""

    minimum: float
    maximum: float
    increase: float
    """Largest relative increase in one execution."""
    decrease: float
    """Largest relative decrease in one execution."""
    step: float
    """Change that is always allowed, so that a field can leave zero."""
    tighter: Side
    """Side the guardian may move it to without delay."""
    source: str
    unlimited: bool = False
    """Whether the limit it states may be switched off."""
    grain: int = 1
    """Integers on chain must be multiples of this."""

    def words(self, name: str) -> WordRule:
        """Return the rule as the contract takes it, for the field of a name."""
        return WordRule(
            minimum=to_chain(name, "uint256", self.minimum),
            maximum=to_chain(name, "uint256", self.maximum),
            increase=to_wad(self.increase),
            decrease=to_wad(self.decrease),
            step=to_chain(name, "uint256", self.step),
            tighter=_SIDES[self.tighter],
            unlimited=self.unlimited,
            grain=self.grain,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class WordRule:
    """A rule in integers, and what it allows: twin of ``governance_rules.vy``."""

    minimum: int
    maximum: int
    increase: int
    decrease: int
    step: int
    tighter: int
    unlimited: bool
    grain: int = 1

    def encoded(self) -> tuple[int, int, int, int, int, int, bool]:
        """Return the fields of ``IRiskGovernor.WordRule`` in order."""
        return (
            self.minimum,
            self.maximum,
            self.increase,
            self.decrease,
            self.step,
            self.tighter,
            self.unlimited,
        )

    def allows(self, word: int) -> bool:
        """Return whether a value is within bounds, twin of ``_check_bounds`` and the unlimited value."""
        return (word == MAX_UINT256 and self.unlimited) or self.minimum <= word <= self.maximum

    def reach(self, old: int) -> tuple[int, int]:
        """Return the least and the largest value that one execution can set, twin of ``_check_word``."""
        if old == MAX_UINT256 and self.unlimited:
            return self.minimum, self.maximum
        base = min(max(old, self.minimum), self.maximum)
        down = max(base * self.decrease // WAD, self.step)
        up = max(base * self.increase // WAD, self.step)
        return max(base - down, self.minimum), min(base + up, self.maximum)

    def refusal(self, old: int, new: int, *, only_tighter: bool = False) -> str | None:
        """Return why the contract refuses a change, None if it does not; twin of ``_check_word``."""
        if only_tighter and not ((self.tighter == 1 and new > old) or (self.tighter == 2 and new < old)):
            return "governor: not tighter"
        if new == MAX_UINT256 and self.unlimited:
            return None
        if not self.minimum <= new <= self.maximum:
            return "governor: out of bounds"
        least, most = self.reach(old)
        return None if least <= new <= most else "governor: step too large"

    def next(self, old: int, target: int) -> int:
        """Return the value nearest to the target that one execution can set; the target must be allowed."""
        if target == MAX_UINT256:
            return target
        least, most = self.reach(old)
        word = min(max(target, least), most)
        if word == target or self.grain == 1:
            return word
        # Away from a grain, stay on the near side: a step is never made larger by rounding.
        return word // self.grain * self.grain if target > old else -(-word // self.grain) * self.grain


def _rule(
    minimum: float,
    maximum: float,
    step: float,
    source: str,
    *,
    tighter: Side = "",
    unlimited: bool = False,
    grain: int = 1,
) -> FieldRule:
    increase, decrease = {"": (1.0, 0.5), "higher": (0.5, 0.25), "lower": (0.25, 0.5)}[tighter]
    return FieldRule(
        minimum=minimum,
        maximum=maximum,
        increase=increase,
        decrease=decrease,
        step=step,
        tighter=tighter,
        source=source,
        unlimited=unlimited,
        grain=grain,
    )


_MARGIN_BOUND = "contract: margin_params"
_LIQUIDATION_BOUND = "contract: liquidation_params"
_MODEL_BOUND = "contract: risk_math"
_LEVERAGE = "assumption: above the 125x that exchanges have advertised, leverage ends at 200x"
_SCENARIO = "assumption: the bound that scenarios have, far below the contract's"
_AMOUNT = "assumption: 1e15 quote is more money than there is"

MARGIN: Final[Mapping[str, FieldRule]] = {
    "trade_fee_rate": _rule(0.0, 0.01, 0.0005, "assumption: ten times a taker fee of 0.1 %"),
    "pool_fee_share": _rule(0.0, 1.0, 0.1, _MARGIN_BOUND),
    "fund_fee_share": _rule(0.0, 1.0, 0.1, _MARGIN_BOUND),
    "upnl_weight": _rule(0.0, 1.0, 0.1, _MARGIN_BOUND, tighter="lower"),
    "upnl_cap": _rule(0.0, 1e18, 10_000.0, _MARGIN_BOUND, tighter="lower"),
    "withdraw_margin_ratio": _rule(0.0, 1.0, 0.01, _MARGIN_BOUND, tighter="higher"),
    "ramp_per_hour": _rule(
        0.01, 1e6, 0.25, "contract; assumption: not 0, which exempts positions for ever",
        unlimited=True,
    ),
    "funding_coefficient": _rule(0.0, 100.0, 0.05, _MARGIN_BOUND),
    "funding_margin_coefficient": _rule(0.0, 100.0, 0.1, _MARGIN_BOUND),
    "max_funding_rate_per_hour": _rule(0.0, 1.0, 0.01, _MARGIN_BOUND),
    "min_position_notional": _rule(0.0, 1e12, 100.0, _MARGIN_BOUND),
}  # fmt: skip

LIQUIDATION: Final[Mapping[str, FieldRule]] = {
    "buffer": _rule(0.0, 10.0, 0.05, _LIQUIDATION_BOUND),
    "fee_base": _rule(0.0, 0.5, 0.001, _LIQUIDATION_BOUND),
    "fee_volatility_coefficient": _rule(0.0, 1_000.0, 0.25, _LIQUIDATION_BOUND),
    "fee_shortfall_coefficient": _rule(0.0, 1_000.0, 0.25, _LIQUIDATION_BOUND),
    "fee_max": _rule(0.0, 0.5, 0.005, _LIQUIDATION_BOUND),
    "fee_maintenance_share": _rule(0.0, 1.0, 0.1, _LIQUIDATION_BOUND),
    "fee_equity_share": _rule(0.0, 1.0, 0.1, _LIQUIDATION_BOUND),
    "volatility_reference": _rule(0.001, 100.0, 0.05, _LIQUIDATION_BOUND),
    "bounty_share_base": _rule(0.0, 1.0, 0.1, _LIQUIDATION_BOUND),
    "bounty_volatility_coefficient": _rule(0.0, 100.0, 0.1, _LIQUIDATION_BOUND),
    "bounty_adequacy_coefficient": _rule(0.0, 100.0, 0.1, _LIQUIDATION_BOUND),
    "bounty_share_min": _rule(0.0, 1.0, 0.1, _LIQUIDATION_BOUND),
    "bounty_share_max": _rule(0.0, 1.0, 0.1, _LIQUIDATION_BOUND),
    "min_bounty": _rule(0.0, 10_000.0, 10.0, _LIQUIDATION_BOUND, grain=QUANTUM),
    "throttle_share_per_hour": _rule(0.0, 1_000.0, 0.5, _LIQUIDATION_BOUND),
    "backstop_ratio": _rule(0.0, 1.0, 0.1, _LIQUIDATION_BOUND),
    "adl_window_seconds": _rule(0, 604_800, 60, _LIQUIDATION_BOUND),
}

FUND: Final[Mapping[str, FieldRule]] = {
    "target_reserves": _rule(0.0, 1e18, 10_000.0, "contract: fund_draws"),
}

PRICING_TERMS: Final[Mapping[str, FieldRule]] = {
    "skew_scale": _rule(1e-6, 1e20, 0.0, "contract: market_making; the governor's words end at 2**128"),
    "max_premium": _rule(0.0, 0.99, 0.01, "contract: market_making, below 1"),
}

OPEN_INTEREST_CAP: Final[Mapping[str, FieldRule]] = {
    "open_interest_cap": _rule(0.0, 1e18, 1.0, "contract: market_state", tighter="lower"),
}

_HAIRCUT = _rule(0.0, 0.999, 0.01, _SCENARIO, tighter="higher")
_INITIAL = _rule(0.005, 1.0, 0.005, _LEVERAGE, tighter="higher")
_MAINTENANCE = _rule(0.0025, 1.0, 0.0025, f"{_LEVERAGE}, maintenance is half", tighter="higher")
_Z = _rule(0.5, 100.0, 0.25, "assumption: half a standard deviation at least", tighter="higher")
_HORIZON = _rule(60, 31_536_000, 600, f"{_MODEL_BOUND}; assumption: a minute at least", tighter="higher")

MODELS: Final[Mapping[str, Mapping[str, FieldRule]]] = {
    "static": {"initial_ratio": _INITIAL, "maintenance_ratio": _MAINTENANCE, "haircut": _HAIRCUT},
    "volatility": {
        "z": _Z,
        "initial_horizon_seconds": _HORIZON,
        "maintenance_horizon_seconds": _HORIZON,
        "initial_min": _INITIAL,
        "maintenance_min": _MAINTENANCE,
        "haircut": _HAIRCUT,
    },
    "adaptive": {
        "z": _Z,
        "initial_horizon_seconds": _HORIZON,
        "maintenance_horizon_seconds": _HORIZON,
        "initial_floor": _INITIAL,
        "maintenance_floor": _MAINTENANCE,
        "variance_floor": _rule(0.0, 100.0, 0.05, _SCENARIO, tighter="higher"),
        "variance_stress": _rule(0.0, 100.0, 0.25, _SCENARIO, tighter="higher"),
        # More weight on stress lowers margin while the market is wilder than that: no safer side.
        "stress_weight": _rule(0.0, 1.0, 0.05, _MODEL_BOUND),
        "size_coefficient": _rule(0.0, 100.0, 0.25, _SCENARIO, tighter="higher"),
        "liquidity_floor": _rule(1.0, 1e15, 1e6, _AMOUNT, tighter="lower"),
        "open_interest_lower": _rule(0.0, 1e15, 1e6, _AMOUNT, tighter="lower"),
        "open_interest_upper": _rule(1.0, 1e15, 1e6, _AMOUNT, tighter="lower"),
        "confidence_coefficient": _rule(0.0, 100.0, 0.5, _SCENARIO, tighter="higher"),
        "haircut": _HAIRCUT,
    },
}
"""Kind of risk model -> constructor field -> rule, in the constructor's order."""

KINDS: Final[Mapping[str, int]] = {"static": 1, "volatility": 2, "adaptive": 3}
"""Number under which the governor knows a kind of risk model."""

RESULTS: Final[Mapping[str, FieldRule]] = {
    "ratio": FieldRule(
        minimum=0.0025,
        maximum=1.0,
        increase=1.0,
        decrease=0.5,
        step=0.0025,
        tighter="higher",
        source="assumption: a change of formula may double or halve a market's ratios as of then",
    ),
    "haircut": _HAIRCUT,
}
"""What a new formula may do to the initial and the maintenance ratio and the haircut of its market."""

FIXED: Final = WordRule(minimum=1, maximum=0, increase=0, decrease=0, step=0, tighter=0, unlimited=False)
"""A word that may never change: the formula's address in ``set_market``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setter:
    """A setter that rules bound."""

    contract: str
    function: str
    view: str
    """View of the same contract that returns the words, first ones first."""
    per_market: bool
    fields: Mapping[str, FieldRule]
    """Words of the setter by name, in its order; with ``fixed`` before them."""
    fixed: tuple[str, ...] = ()
    """Leading words that may never change."""

    def word_rules(self) -> list[WordRule]:
        """Return one rule for each word."""
        return [FIXED] * len(self.fixed) + [rule.words(name) for name, rule in self.fields.items()]


SETTERS: Final[Sequence[Setter]] = (
    Setter(
        contract="margin_engine",
        function="set_parameters",
        view="parameters",
        per_market=False,
        fields=MARGIN,
    ),
    Setter(
        contract="liquidation_engine",
        function="set_parameters",
        view="parameters",
        per_market=False,
        fields=LIQUIDATION,
    ),
    Setter(
        contract="insurance_fund",
        function="set_parameters",
        view="target_reserves",
        per_market=False,
        fields=FUND,
    ),
    Setter(
        contract="liquidity_pool",
        function="set_pricing_terms",
        view="pricing_terms",
        per_market=True,
        fields=PRICING_TERMS,
    ),
    Setter(
        contract="margin_engine",
        function="set_market",
        view="market_info",
        per_market=True,
        fields=OPEN_INTEREST_CAP,
        fixed=("risk_model",),
    ),
)
"""Every setter of a risk parameter. A market's formula is set by the governor's own ``set_model``."""


class Call(NamedTuple):
    """A function that no rule bounds; the time-lock alone protects."""

    contract: str
    function: str
    is_long: bool
    reason: str


OWNED: Final = ("price_oracle", "margin_engine", "liquidity_pool", "insurance_fund", "liquidation_engine")
"""Contracts that the governor owns."""

SHORT, LONG = False, True

CALLS: Final[Sequence[Call]] = (
    Call("margin_engine", "unpause", SHORT, "lets risk be added again"),
    Call("margin_engine", "collect_fees", SHORT, "moves the protocol's own fees"),
    Call("insurance_fund", "set_drawer", LONG, "a drawer can empty the fund"),
    Call("price_oracle", "add_asset", LONG, "first step of a new market"),
    Call("price_oracle", "add_reporter", LONG, "reporters make the price"),
    Call("liquidity_pool", "add_market", LONG, "second step of a new market"),
    *(Call(key, "transfer_ownership", LONG, "a successor of the governor") for key in OWNED),
)
"""Every owner's function that a proposal can call without a rule, and its delay."""

NEVER: Final[Mapping[str, str]] = {
    "margin_engine.connect": "works once, and has",
    "margin_engine.add_market": "only through the governor's add_market, from a blueprint",
    "margin_engine.pause": "only through the governor's pause, without delay",
}
"""Owner's functions that no proposal can call directly, each with its reason."""


def field_words(rules: Mapping[str, FieldRule], values: Mapping[str, Number]) -> list[int]:
    """Return the integers of all fields in order."""
    return [to_chain(name, "uint256", values[name]) for name in rules]
