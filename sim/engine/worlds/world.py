"""Everything a run consists of, assembled; the block loop moves it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sim.agents.base import Agent
from sim.agents.kind import Group, Opening
from sim.chain.chain import Chain
from sim.chain.fees import FeeMarket, NativeLedger
from sim.chain.gas import GasProfile
from sim.chain.mempool import Mempool
from sim.core.arrays import FloatArray
from sim.core.rng import Streams
from sim.engine.worlds.feedback import Feedback
from sim.engine.worlds.flows import FlowRouter
from sim.market.effects import GasSurge
from sim.market.external import ExternalMarket
from sim.protocol.address_book import AddressBook
from sim.protocol.client import ProtocolClient
from sim.protocol.mirror import AccountMirror, RatioCurve


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The parts of one run."""

    chain: Chain
    client: ProtocolClient
    book: AddressBook
    mirror: AccountMirror
    groups: Sequence[Group]
    """Participants by group, in the order of their numbers."""
    agents: Sequence[Agent]
    """Everybody who acts, in the order in which they decide."""
    hedged: frozenset[int]
    """Participants whose trades have another leg outside."""
    paid_by_fund: frozenset[int]
    """Participants who work for the protocol: their gas is a cost to the fund."""
    external: Sequence[ExternalMarket]
    assets: Sequence[ExternalMarket]
    """Outside markets of the assets of the collateral registry; no flow of ours reaches them."""
    routers: Sequence[FlowRouter]
    feedback: Feedback
    fee_market: FeeMarket
    mempool: Mempool
    ledger: NativeLedger
    streams: Streams
    gas_surges: Sequence[GasSurge]
    gas_profile: GasProfile
    gas: Mapping[str, int]
    """Of a successful call with one position of each account, by entry point."""
    gas_limit: int
    native_price: float
    start_timestamp: int
    seconds_per_block: int
    first_block_number: int
    """Chain block number of simulated block 0."""
    token_supply: int
    frozen_curves: Sequence[RatioCurve]
    """Margin ratios of the run's start, for margin feedback."""
    openings: Sequence[Opening]
    native_start: int
    """Wei each participant started with."""
    balances: list[int]
    """[actor] wei left for fees; a copy of the ledger by participant."""
    entry_leverage: FloatArray
    """[actor] notional over collateral at the start, zero without a position."""
    accounts: int
    """Number of participants that may hold positions; they come first."""
    raised_openings: int
    """Accounts that deposited more than their leverage asked for, to pass the initial check."""
    largest_entry_error: float
    """Farthest that a position was opened from the price it was to be opened at, relative to that."""
    added_at_set_up: float
    """What they deposited beyond it, quote."""

    def timestamp(self, block: int) -> int:
        """Return the time of a simulated block."""
        return self.start_timestamp + block * self.seconds_per_block
