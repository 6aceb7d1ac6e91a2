"""A world whose parameters come into force in block 0: the wait before it, and the change itself.

The protocol is deployed a time-lock before block 0 with what was in force, and the whole change is queued at
once. Nothing happens then but the passing of time: the chain's clock is moved on, prices stand still and
nobody has a position, so that no funding accrues. Accounts open at the time of block 0, and in the same block
the change is executed: it meets every position as it is, and the maintenance ramp starts from there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from sim.chain.chain import Chain
from sim.core.portable_math import exp, sqrt
from sim.core.units import YEAR_SECONDS
from sim.engine.scenario.load import before_enactment
from sim.engine.scenario.schema import Scenario
from sim.engine.worlds.parameters import protocol_parameters
from sim.protocol.contracts import compile_protocol
from sim.protocol.deployed import Deployment
from sim.protocol.governance.rules import DELAY_SECONDS
from sim.protocol.parameters.values import MarketParameters, ProtocolParameters
from sim.protocol.whole_change import Formula, QueuedCall, execute_whole, queue_whole

WAIT_SECONDS: Final = DELAY_SECONDS
"""Time from the proposals to block 0."""

CALM_MEMORIES: Final = 12
"""Memories of the fast estimate over which the index moves: an average of as much memory has then forgotten
where it stood, and the limiter lets the move through."""
_LOG_LARGEST_GROWTH: Final = 13.8
"""Log of the most, a million, by which a seed is raised; beyond it the index moves instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Parameters of a protocol, with the model that they belong to."""

    parameters: ProtocolParameters
    risk_model: str
    custom_model: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OracleStart:
    """What an asset's oracle is seeded with, so that after the wait it estimates what a scenario says."""

    price: float
    variance_fast: float
    variance_slow: float


class Enactment:
    """The change of one scenario, from its proposals to its execution.

    Parameters
    ----------
    scenario
        With ``enactment.in_block_0``.
    after
        What is to be in force from block 0 on.
    contracts
        Folder of contracts instead of the shipped ones.
    """

    def __init__(self, scenario: Scenario, after: Rules, contracts: Path | None) -> None:
        self._after = after
        self._contracts = contracts
        earlier = before_enactment(scenario)
        own = after.parameters
        found = protocol_parameters(earlier, [market.initial_price for market in own.markets])
        oracle = own.oracle
        fast_enough = WAIT_SECONDS / float(oracle["tau_fast_seconds"]) < _LOG_LARGEST_GROWTH
        self.calm_seconds = 0 if fast_enough else round(CALM_MEMORIES * oracle["tau_fast_seconds"])
        """How long before the first report another one repeats the seed's price; 0 for no such report."""
        # Nothing enacts the oracle's parameters and what people have deposited: they are the scenario's own.
        self.starts = tuple(
            oracle_start(
                market,
                waited=WAIT_SECONDS - 2 * scenario.seconds_per_block,
                tau_fast=float(oracle["tau_fast_seconds"]),
                tau_slow=float(oracle["tau_slow_seconds"]),
                moved_over=self.calm_seconds,
            )
            for market in own.markets
        )
        self.before = Rules(
            parameters=replace(found, oracle=oracle, reporter=own.reporter),
            risk_model=earlier.protocol.risk_model,
            custom_model=(earlier.file("protocol.risk_model") if earlier.protocol.is_custom_model else None),
        )
        self._queued: tuple[QueuedCall, ...] = ()

    @property
    def deployed(self) -> ProtocolParameters:
        """What the contracts are deployed with a time-lock before block 0."""
        before = self.before.parameters
        return replace(
            before,
            markets=[
                replace(
                    market,
                    initial_price=start.price,
                    initial_variance_fast=start.variance_fast,
                    initial_variance_slow=start.variance_slow,
                )
                for market, start in zip(before.markets, self.starts, strict=True)
            ],
        )

    def queue(self, chain: Chain, deployment: Deployment, *, can_freeze_margins: bool) -> Deployment:
        """Propose the change in the block that is open; return the deployment as it will be.

        Parameters
        ----------
        can_freeze_margins
            Whether margin formulas must be able to hold their inputs, as those of the deployment can.
        """
        before, after = self.before, self._after
        differs = (before.risk_model, before.custom_model) != (after.risk_model, after.custom_model)
        artifacts = compile_protocol(after.risk_model, after.custom_model, self._contracts)
        deployment, self._queued = queue_whole(
            chain,
            deployment,
            before.parameters,
            after.parameters,
            Formula(
                kind="" if after.custom_model is not None else after.risk_model,
                artifact=artifacts["risk_model"],
                differs=differs,
            ),
            can_freeze_margins=can_freeze_margins,
        )
        return deployment

    def execute(self, chain: Chain, deployment: Deployment) -> None:
        """Bring the change into force in the block that is open.

        Raises
        ------
        InputError
            A contract refuses it.
        """
        execute_whole(chain, deployment, self._queued)


def oracle_start(
    market: MarketParameters,
    *,
    waited: int,
    tau_fast: float,
    tau_slow: float,
    moved_over: int,
) -> OracleStart:
    """Return what to seed an oracle with that takes its first report after a wait.

    An estimate keeps exp(-t / tau) of itself over a still time t. Seeds are higher by that, if they can be:
    over two days an hour's memory keeps nothing. Then the index moves once, by what the missing
    variance asks for, and the slow seed counts with what that adds to it.

    Parameters
    ----------
    market
        What it shall estimate.
    waited
        Seconds from the deployment to the report.
    moved_over
        Seconds before the report over which the index moves; 0 for an index that stands still.
    """
    fast, slow = market.initial_variance_fast, market.initial_variance_slow
    if not moved_over:
        return OracleStart(
            price=market.initial_price,
            variance_fast=fast * exp(waited / tau_fast),
            variance_slow=slow * exp(min(waited / tau_slow, _LOG_LARGEST_GROWTH)),
        )
    kept_fast, kept_slow = exp(-moved_over / tau_fast), exp(-moved_over / tau_slow)
    observed = fast / (1.0 - kept_fast)
    missing = max(slow - (1.0 - kept_slow) * observed, 0.0)
    return OracleStart(
        price=market.initial_price * exp(-sqrt(observed * moved_over / YEAR_SECONDS)),
        variance_fast=0.0,
        variance_slow=missing * exp(min(waited / tau_slow, _LOG_LARGEST_GROWTH)),
    )
