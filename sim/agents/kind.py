"""What an agent declares: its table in a scenario, who it needs before the first block, and how they act.

One module of this package, or a plug-in, declares one kind of agent and adds it to :data:`AGENTS`. Its
section is part of the scenario, its groups are numbered, funded and shown in reports, its agents decide in
every block: nothing else in the simulator needs to name it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Generic, Literal, TypeVar

from sim.agents.account_mode import AccountMode
from sim.agents.base import Agent, Outage
from sim.agents.population import Population
from sim.core.arrays import IntArray
from sim.core.documents.sections import Section
from sim.core.registry import Registry
from sim.core.rng import Streams
from sim.protocol.parameters.values import ProtocolParameters

MAX_SECTIONS = 32
"""Tables of one kind in a scenario."""

Vault = Literal["liquidity_pool", "insurance_fund"]
"""Contract key of a vault that participants may hold shares of."""

S = TypeVar("S", bound=Section)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What is known of a world before anybody takes part in it."""

    seconds_per_block: int
    start_timestamp: int
    """Time of block 0."""
    market_names: tuple[str, ...]
    prices: tuple[float, ...]
    """Quote at block 0, by market."""
    asset_names: tuple[str, ...] = ()
    """Of the collateral registry, in id order."""
    asset_prices: tuple[float, ...] = ()
    """Quote for a whole token at block 0, by asset."""
    protocol: ProtocolParameters
    """What the contracts are deployed with, by the contracts' own names."""
    vault_deposits: Mapping[Vault, float]
    """Quote in each vault at the start."""
    liquidator_share: float
    """Share of what is liquidated that liquidators sell outside; 0: closes go against the pool."""
    outages: Mapping[str, tuple[Outage, ...]]
    """Scripted silence, by the agents' table."""

    @property
    def first_report_at(self) -> int:
        """Time of the reports that are made for the reporters before block 0."""
        return self.start_timestamp - self.seconds_per_block

    def outages_of(self, kind: str, market: int | None = None) -> tuple[Outage, ...]:
        """Return the outages of a kind of agent, in one market where they act in one."""
        return tuple(
            outage
            for outage in self.outages.get(kind, ())
            if market is None or outage.market is None or outage.market == market
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Participants of one kind who are numbered, funded and reported together."""

    name: str
    """Name in every table; part of the participants' addresses."""
    count: int
    label: str
    """Words for reports, in the plural: ``retail traders``."""
    holds_positions: bool = False
    """Whether its members may hold positions: they are numbered before all others."""
    linked: bool = False
    """Whether its members are declared to be of one hand: they add risk at the size of all of them."""
    reports: int | None = None
    """Market whose oracle takes its members as reporters."""
    reports_asset: int | None = None
    """Asset of the collateral registry, likewise."""
    trades_asset: int | None = None
    """Asset in whose spot pool its members trade, with `wallet` of quote each and as much of the asset."""
    wallet: float = 0.0
    """Quote each member has for that."""
    reports_implied: int | None = None
    """Market whose implied variance its first member reports."""
    first_confidence_ratio: float = 0.001
    """Half-width of the report that is made for each reporter before block 0, over price."""
    vault: Vault | None = None
    """Vault its members hold shares of."""
    deposit: float = 0.0
    """Quote they put into it before block 0, together and in equal parts."""
    hedges_outside: bool = False
    """Whether every trade of a member has another leg on the outside market."""
    gas_paid_by_fund: bool = False
    """Whether its members work for the protocol: their gas is a cost to the fund (`closer_gas_cost`), and
    neither it nor what they receive is part of liquidators' profit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """One account's start in one market."""

    actor: int
    market: int
    size: float
    """Signed base units."""
    collateral: float
    """Quote to deposit."""
    wallet: float
    """Quote kept outside the protocol."""
    admission_step: float = 0.05
    """Collateral is added in multiples of this share of it until the initial check is passed."""
    assets: tuple[tuple[int, float], ...] = ()
    """Assets of the collateral registry to deposit beside it, each with its worth at block 0, quote."""
    entry_price: int | None = None
    """Price (WAD) at which the position is opened; None: that of block 0, with the premium of its turn."""
    mode: AccountMode = "cross"
    """In which the account is margined, the same in all of its openings."""
    exact: ExactOpening | None = None
    """What a file says of it, to the last unit; it is opened so or refused, and nothing is added."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExactOpening:
    """A row of a book from a file."""

    size: int
    """Signed base units, WAD."""
    collateral: int
    """Token units, what is left once the fee of opening is paid."""
    place: str
    """Where it stands, for messages: ``accounts.csv:12``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """A world at block 0, as those who take part in it know it."""

    setting: Setting
    members: Mapping[str, IntArray]
    """Group -> its participants, ascending."""
    populations: Mapping[str, Population]
    """Group -> its accounts, for groups whose accounts were drawn."""
    shares: Mapping[str, tuple[int, ...]]
    """Group -> vault shares of its members; empty until the vaults are filled."""


class AgentKind(ABC, Generic[S]):
    """One kind of agent.

    Each method is asked once for every table of the kind that a scenario has: once in all unless
    :attr:`repeated`.
    """

    name: ClassVar[str]
    """Key of its table in a scenario."""
    order: ClassVar[int] = 100
    """Place among all kinds, in the scenario and in a block: lower ones decide first."""
    repeated: ClassVar[bool] = False
    """Whether a scenario may have several tables of it (``[[name]]``), each with a name of its own."""
    can_fail: ClassVar[bool] = False
    """Whether its agents fall silent in the outages of their :class:`Setting`: shocks may then script one."""
    file_keys: ClassVar[tuple[str, ...]] = ()
    """Keys of its table that name a file, or nothing: such files are copied into results and replayed."""
    section: type[S]
    """Class of the table: parameters with bounds, unit, default, source and meaning."""

    @property
    def description(self) -> str:
        """One line on the kind: the first of the section's docstring."""
        return (self.section.__doc__ or self.name).strip().partition("\n")[0]

    def accounts(self, section: S) -> int:
        """Return how many accounts start with a position: what a scenario may have a limited number of."""
        del section
        return 0

    def placed(self, section: S, markets: Sequence[str]) -> S:
        """Return the table with the ids of the markets that it names, of names in id order."""
        del markets
        return section

    def files(self, section: S) -> Mapping[str, str]:
        """Return the files its table names: key -> path as written."""
        named = {key: getattr(section, key) for key in self.file_keys}
        return {key: written for key, written in named.items() if written is not None}

    def with_files(self, section: S, files: Mapping[str, Path], markets: Sequence[str]) -> S:
        """Return the table with what its files hold.

        Parameters
        ----------
        files
            Key -> file, of those keys that :meth:`files` returns.
        markets
            Names of the scenario's markets, in id order.

        Raises
        ------
        InputError
            A file is not what it ought to be.
        """
        del files, markets
        return section

    @abstractmethod
    def groups(self, section: S, setting: Setting) -> Iterable[Group]:
        """Return the groups of participants it needs, in the order of their numbers."""

    def draw(self, section: S, draws: Streams) -> Mapping[str, Population]:
        """Return the accounts that are drawn, by group; paths that share a start share them."""
        del section, draws
        return {}

    def openings(self, section: S, start: Start) -> Iterable[Opening]:
        """Return how accounts start that hold positions or may come to."""
        del section, start
        return ()

    @abstractmethod
    def agents(self, section: S, start: Start) -> Iterable[Agent]:
        """Return who acts, in order, as they are before they have seen anything."""


AGENTS: Registry[AgentKind[Any]] = Registry("agent", "sim.agents")
"""Every kind of agent there is."""
