"""What a market's margin formula is asked and what it answers: the questions of ``formulas.vy``, one by one.

The contracts say of a formula only that it failed. Whoever wants to know how asks it again, with the same
inputs and the same gas, and discards the effects.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from operator import attrgetter
from typing import Annotated, Final, NamedTuple

from sim.chain.abi import ContractAbi, StructRows, checksum_address, revert_reason
from sim.chain.backend import HALT_OUT_OF_GAS, Outcome
from sim.chain.chain import Chain
from sim.core.columns import exact
from sim.core.units import WAD
from sim.protocol.client import ProtocolClient

FORMULA_GAS: Final = 150_000
"""Gas of one question (``FORMULA_GAS`` of ``contracts/lib/constants.vy``)."""

_WORD: Final = 32
_PAIR: Final = 2 * _WORD


@dataclass(frozen=True, slots=True, kw_only=True)
class FormulaInputs:
    """What a formula is asked with: the words of ``IRiskModel.RiskInputs`` in order."""

    notional: Annotated[int, exact("quote, WAD", "input: of the position, 0 without one")]
    price: Annotated[int, exact("quote / base, WAD", "input: index price")]
    confidence: Annotated[int, exact("quote / base, WAD", "input: half-width around the price")]
    variance_fast: Annotated[int, exact("per year, WAD", "input: variance, short memory")]
    variance_slow: Annotated[int, exact("per year, WAD", "input: variance, long memory")]
    open_interest: Annotated[int, exact("quote, WAD", "input: notional of the market's larger side")]
    depth: Annotated[int, exact("quote, WAD", "input: liquidity that a close meets")]
    side: Annotated[int, exact("sign", "input: 1 long, -1 short, 0 no position")]
    skew: Annotated[int, exact("quote, WAD", "input: long minus short open interest")]
    exceptions: Annotated[int, exact("count", "input: liquidations of the market that left a deficit")]
    variance_range: Annotated[int, exact("per year, WAD", "input: variance from highs and lows, 0: unknown")]
    variance_implied: Annotated[int, exact("per year, WAD", "input: variance from options, 0: unknown")]
    account_notional: Annotated[int, exact("quote, WAD", "input: of the account in all markets")]
    report_age_seconds: Annotated[int, exact("seconds", "input: since the last round of the price")]

    def words(self) -> tuple[int, ...]:
        """Return the fields in order."""
        words: tuple[int, ...] = _input_words(self)
        return words


_input_words = attrgetter(*FormulaInputs.__slots__)


class MarketSnapshot(NamedTuple):
    """A market as ``MarketRegistry.market_snapshot`` returns it, words in order."""

    index_price: int
    risk_price: int
    ema_price: int
    confidence: int
    variance_fast: int
    variance_slow: int
    variance_range: int
    variance_implied: int
    round_id: int
    report_age_seconds: int
    risk_model: int
    """Address as a number, 0 while the formula has no good answer."""
    is_batched: int
    open_interest_cap: int
    min_position_notional: int
    open_interest: int
    skew: int
    exceptions: int
    depth: int
    premium: int
    funding_index: int
    funding_rate: int
    initial_ratio: int
    maintenance_ratio: int
    ramped_maintenance_ratio: int

    def inputs(self, notional: int = 0, side: int = 0, account_notional: int = 0) -> FormulaInputs:
        """Return what the formula is asked about a position, or about the market without one."""
        return FormulaInputs(
            notional=notional,
            price=self.index_price,
            confidence=self.confidence,
            variance_fast=self.variance_fast,
            variance_slow=self.variance_slow,
            open_interest=self.open_interest,
            depth=self.depth,
            side=side,
            skew=self.skew,
            exceptions=self.exceptions,
            variance_range=self.variance_range,
            variance_implied=self.variance_implied,
            account_notional=account_notional,
            report_age_seconds=self.report_age_seconds,
        )


class FaultKind(StrEnum):
    """What a formula did instead of answering."""

    REVERTED = "reverted"
    OUT_OF_RANGE = "out of range"
    OUT_OF_GAS = "out of gas"
    HALTED = "halted"
    NO_ANSWER = "no answer"
    UNSEEN = "unseen"
    """It answers when it is asked again."""


class Fault(NamedTuple):
    """What a formula did instead of answering, and more exactly."""

    kind: FaultKind
    detail: str = ""
    """Why it reverted, or what it answered."""

    def told(self) -> str:
        """Return what the formula did as words after "it"."""
        return {
            FaultKind.REVERTED: f"reverted ({self.detail})",
            FaultKind.OUT_OF_RANGE: f"answered out of range ({self.detail})",
            FaultKind.OUT_OF_GAS: f"used up its {FORMULA_GAS:,} gas",
            FaultKind.HALTED: f"stopped ({self.detail})",
            FaultKind.NO_ANSWER: f"answered with {self.detail}",
            FaultKind.UNSEEN: "failed, and answered when it was asked again",
        }[self.kind]


def fault_of_ratios(outcome: Outcome) -> Fault | None:
    """Return what is wrong with an answer to ``margin_ratios``, None if it is a good one."""
    if not outcome.status or len(outcome.output) < _PAIR:
        return _no_words(outcome, "two ratios")
    words = outcome.output
    initial, maintenance = (int.from_bytes(words[at : at + _WORD], "big") for at in (0, _WORD))
    if 0 < maintenance < initial <= WAD:
        return None
    return Fault(FaultKind.OUT_OF_RANGE, f"initial {_share(initial)}, maintenance {_share(maintenance)}")


def fault_of_haircut(outcome: Outcome) -> Fault | None:
    """Return what is wrong with an answer to ``collateral_haircut``, None if it is a good one."""
    if not outcome.status or len(outcome.output) < _WORD:
        return _no_words(outcome, "a haircut")
    haircut = int.from_bytes(outcome.output[:_WORD], "big")
    return None if haircut <= WAD else Fault(FaultKind.OUT_OF_RANGE, f"haircut {_share(haircut)}")


def _no_words(outcome: Outcome, wanted: str) -> Fault:
    if outcome.status:
        return Fault(FaultKind.NO_ANSWER, f"{len(outcome.output)} bytes, not {wanted}")
    if outcome.halt is None:
        return Fault(FaultKind.REVERTED, revert_reason(outcome.output))
    if outcome.halt == HALT_OUT_OF_GAS:
        return Fault(FaultKind.OUT_OF_GAS)
    return Fault(FaultKind.HALTED, outcome.halt)


def _share(ratio: int) -> str:
    """Return a ratio (WAD) as a share in full: what is wrong with it may be its last digit."""
    whole, rest = divmod(ratio, WAD)
    return f"{whole}.{rest:018d}".rstrip("0").removesuffix(".")


def ask_ratios(chain: Chain, abi: ContractAbi, formula: str, inputs: FormulaInputs) -> Fault | None:
    """Ask a formula for its ratios; return what it did instead of answering, None if it answered.

    Parameters
    ----------
    abi
        Of the formula.
    formula
        Its address.
    """
    data = abi["margin_ratios"].encode(inputs.words())
    return fault_of_ratios(chain.answer(formula, data, FORMULA_GAS))


class FormulaReader:
    """Asks the formulas of a deployed protocol as its contracts do."""

    def __init__(self, client: ProtocolClient) -> None:
        self._client = client
        registry = client.deployment.abis["market_registry"]
        self._formula = client.deployment.abis["risk_model"]
        self._snapshot = registry["market_snapshot"]
        self._rows = StructRows(self._snapshot, MarketSnapshot._fields)

    def snapshot(self, market: int) -> MarketSnapshot:
        """Return a market as of now."""
        client = self._client
        data = client.chain.call(
            client.deployment.addresses["market_registry"], self._snapshot.encode(market)
        )
        return MarketSnapshot(*self._rows.rows(data)[0])

    def formula(self, market: int, snapshot: MarketSnapshot) -> str:
        """Return the address of a market's formula, whether it answers or not."""
        if snapshot.risk_model:
            return checksum_address(snapshot.risk_model.to_bytes(20, "big"))
        address = self._client.read("market_registry", "market_info", market)[0]
        return checksum_address(bytes.fromhex(address[2:]))

    def ratios_fault(self, formula: str, inputs: FormulaInputs) -> Fault | None:
        """Ask a formula for its ratios; return what it did instead of answering, None if it answered."""
        return ask_ratios(self._client.chain, self._formula, formula, inputs)

    def haircut_fault(self, formula: str) -> Fault | None:
        """Ask a formula for its haircut; return what it did instead of answering, None if it answered."""
        data = self._formula["collateral_haircut"].encode()
        return fault_of_haircut(self._client.chain.answer(formula, data, FORMULA_GAS))
