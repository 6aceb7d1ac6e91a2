"""What accounts can do and see: how contracts are called is known here and in ``other_collateral`` alone."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from sim.chain.chain import CallReverted, Chain
from sim.chain.compile import contracts_root
from sim.chain.transaction import Transaction
from sim.core.units import QUANTUM, TOKEN_UNIT, to_wad
from sim.protocol.account_ids import OWN_INDEX
from sim.protocol.address_book import AddressBook
from sim.protocol.client import AccountState, ProtocolClient
from sim.protocol.contracts import compile_protocol, compile_risk_models, contract_of
from sim.protocol.deployed import OWNER
from sim.protocol.deployment import Deployer
from sim.protocol.events import ProtocolEvent
from sim.protocol.governance.setup import GUARDIAN
from sim.protocol.mirror import AccountMirror
from sim.protocol.state import MarketState, ProtocolState
from sim.reference.liquidation_math import deleverage_score
from sim.reference.vault_math import is_mintable
from tests.support.economic.draws import SECONDS_A_BLOCK, Draw
from tests.support.economic.estimates import Estimates
from tests.support.economic.other_collateral import OtherCollateral

GENESIS: Final = 1_700_000_000
MOST_MEMBERS: Final = 6
HONEST_REPORTERS: Final = 3
ALL: Final = 2**256 - 1
WINNERS_A_CALL: Final = 32
HELD_GAINS: Final = 9
"""Word of the ledger's totals."""
INITIAL: Final = 0
"""Kind of a margin check."""
SIDES: Final = (1, -1)
"""Which side lost: longs, shorts."""
ZERO: Final = "0x" + "00" * 20

# Participants: the coalition first, then outsiders, who are nobody's accomplices.
LP: Final = MOST_MEMBERS
BACKER: Final = MOST_MEMBERS + 1
KEEPER: Final = MOST_MEMBERS + 2
TRADER: Final = MOST_MEMBERS + 3
"""An outsider who trades in moving worlds."""
REPORTERS: Final = MOST_MEMBERS + 4
PARTICIPANTS: Final = REPORTERS + HONEST_REPORTERS

DESK: Final = "trading_desk"
LEDGER: Final = "ledger"
REGISTRY: Final = "market_registry"
WATERFALL: Final = "loss_waterfall"
LIQUIDATION: Final = "liquidation_engine"
VAULTS: Final = {"pool": "liquidity_pool", "fund": "insurance_fund"}


class Result(NamedTuple):
    """What became of one call."""

    status: bool
    reason: str | None
    events: list[ProtocolEvent]
    gas: int
    output: bytes


class Position(NamedTuple):
    """One position as stored, WAD integers."""

    size: int
    entry_notional: int


class HeldGain(NamedTuple):
    """An account's part of what is held against deficits, WAD."""

    amount: int
    """At risk still."""
    entry_notional: int
    freed: int
    """To be collected."""


@dataclass(frozen=True, slots=True)
class Deficit:
    """A pending deficit's record."""

    account: int
    market: int
    side: int
    recorded_at: int


@lru_cache(maxsize=8)
def _deployer(model: str, contracts: Path | None) -> Deployer:
    """Return what knows the compiled contracts: thousands of worlds are deployed from them."""
    artifacts = compile_protocol(model, root=contracts)
    return Deployer(Chain.create("native", GENESIS), artifacts, compile_risk_models(contracts))


def _deployer_on(chain: Chain, model: str, contracts: Path | None) -> Deployer:
    """Return a deployer of its own for a chain; reading the ABIs again would take a third of a history."""
    deployer = copy(_deployer(model, contracts))
    deployer._chain, deployer._addresses = chain, {}
    return deployer


class World(Estimates):
    """A deployed protocol with people, between two calls.

    All calls between two `wait` are in one block.
    """

    def __init__(self, draw: Draw, contracts: Path | None = None) -> None:
        self.draw = draw
        self.contracts = contracts_root() if contracts is None else contracts
        self.book = AddressBook(
            [
                ("members", MOST_MEMBERS),
                ("outsiders", REPORTERS - MOST_MEMBERS),
                ("keepers:0", HONEST_REPORTERS),
            ]
        )
        self.chain = Chain.create("native", GENESIS)
        self.chain.start_block(1, GENESIS + SECONDS_A_BLOCK)
        self.honest = range(REPORTERS, PARTICIPANTS)
        self.reporters = [*self.honest, *range(draw.dishonest_reporters)]
        self.implied_reporter = 0 if draw.implied_member else self.honest[0]
        names = [self.book.addresses[reporter] for reporter in self.reporters]
        deployer = _deployer_on(self.chain, draw.model, contracts)
        self.deployment = deployer.deploy(
            draw.parameters(),
            [names for _ in draw.markets],
            [names for _ in draw.assets],
            [self.book.addresses[self.implied_reporter] for _ in draw.markets],
            clusters=[[self.book.addresses[member] for member in linked] for linked in draw.clusters],
        )
        abis = self.deployment.abis
        self._abis = {key: abis[contract_of(key)] for key in self.deployment.addresses}
        self.client = ProtocolClient(self.chain, self.deployment, self.book)
        self.mirror = AccountMirror(PARTICIPANTS, len(draw.markets), len(draw.assets))
        self.net_traded = [0 for _ in draw.markets]
        """[market] sum of the sizes that events say were traded."""
        self.prices = [to_wad(market["initial_price"]) for market in draw.markets]
        """[market] what honest reporters say."""
        self.transactions = 0
        self.others = OtherCollateral(self)
        self.supply = self.others.pool_quote
        self.quiet = False
        """Whether events are left alone: nobody looks at the mirror."""
        self._open_wallets()

    def _open_wallets(self) -> None:
        wallets = dict.fromkeys(range(self.draw.members), self.draw.wallet)
        wallets |= {LP: 4 * self.draw.pool, BACKER: 4 * self.draw.fund + 1_000_000, TRADER: self.draw.wallet}
        spenders = (LEDGER, *VAULTS.values())
        for actor, quote in wallets.items():
            self._must(OWNER, "token", "mint", self.book.addresses[actor], quote * TOKEN_UNIT)
            self.supply += quote * TOKEN_UNIT
            for spender in spenders:
                self._must(
                    self.book.addresses[actor], "token", "approve", self.deployment.addresses[spender], ALL
                )
        self._must(
            self.book.addresses[LP],
            "liquidity_pool",
            "deposit",
            self.draw.pool * TOKEN_UNIT,
            self.book.addresses[LP],
        )
        if self.draw.fund:
            self._must(
                self.book.addresses[BACKER],
                "insurance_fund",
                "deposit",
                self.draw.fund * TOKEN_UNIT,
                self.book.addresses[BACKER],
            )
        for market in range(len(self.prices)):
            self.honest_report(market)
        self.others.open_wallets(range(self.draw.members))
        for actor in range(PARTICIPANTS):
            self.mirror.set_wallet(actor, self.wallet(actor))

    # Calls

    def _id(self, actor: int) -> int:
        """Return the number that the contracts know somebody's account by."""
        return self.book.account_ids[actor]

    def _data(self, key: str, function: str, arguments: Sequence[Any]) -> bytes:
        return self._abis[key][function].encode(*arguments)

    def _send(self, sender: str, key: str, function: str, *arguments: Any) -> Result:
        receipt = self.chain.execute(
            Transaction(sender, self.deployment.addresses[key], self._data(key, function, arguments))
        )
        events: list[ProtocolEvent] = []
        if receipt.logs and not self.quiet:
            events = self.client.events(receipt.logs, self.transactions)
            for event in events:
                self.mirror.apply(event)
                if event.name == "PositionChanged":
                    self.net_traded[event.values["market"]] += event.values["size_delta"]
        self.transactions += 1
        return Result(receipt.status, receipt.revert_reason, events, self.chain.exact_gas, receipt.output)

    def _must(self, sender: str, key: str, function: str, *arguments: Any) -> Result:
        result = self._send(sender, key, function, *arguments)
        if not result.status:
            raise AssertionError(f"{key}.{function}: {result.reason}")
        return result

    def _by(self, actor: int, key: str, function: str, *arguments: Any) -> Result:
        return self._send(self.book.addresses[actor], key, function, *arguments)

    def _read(self, key: str, function: str, *arguments: Any) -> Any:
        entry = self._abis[key][function]
        return entry.decode(self.chain.call(self.deployment.addresses[key], entry.encode(*arguments)))

    def _would(self, actor: int, key: str, function: str, *arguments: Any) -> str | None:
        """Return why a call would revert, None if it would not."""
        try:
            self.chain.call(
                self.deployment.addresses[key],
                self._data(key, function, arguments),
                sender=self.book.addresses[actor],
            )
        except CallReverted as reverted:
            return reverted.reason
        return None

    # Traders

    def deposit(self, actor: int, account: int, units: int) -> Result:
        """Add collateral to an account."""
        return self._by(actor, DESK, "deposit", self._id(account), units)

    def withdraw(self, actor: int, units: int) -> Result:
        """Take collateral out."""
        return self._by(actor, DESK, "withdraw", OWN_INDEX, units)

    def would_withdraw(self, actor: int, units: int) -> str | None:
        """Return why `withdraw` would be refused."""
        return self._would(actor, DESK, "withdraw", OWN_INDEX, units)

    def increase(self, actor: int, market: int, size: int, limit: int = 0) -> Result:
        """Open or add to a position; signed WAD base."""
        return self._by(actor, DESK, "increase_position", OWN_INDEX, market, size, limit)

    def would_increase(self, actor: int, market: int, size: int) -> str | None:
        """Return why `increase` would be refused."""
        return self._would(actor, DESK, "increase_position", OWN_INDEX, market, size, 0)

    def decrease(self, actor: int, market: int, size: int = ALL, limit: int = 0) -> Result:
        """Close part of a position, or all of it."""
        return self._by(actor, DESK, "decrease_position", OWN_INDEX, market, size, limit)

    def would_decrease(self, actor: int, market: int, size: int) -> str | None:
        """Return why `decrease` would be refused."""
        return self._would(actor, DESK, "decrease_position", OWN_INDEX, market, size, 0)

    def set_mode(self, actor: int, mode: int) -> Result:
        """Let an account be cross (0), isolated (1) or portfolio (2)."""
        return self._by(actor, DESK, "set_mode", OWN_INDEX, mode)

    def mode(self, actor: int) -> int:
        """Return an account's mode."""
        return int(self._read(LEDGER, "mode_of", self._id(actor)))

    # Liquidators

    def liquidate(self, actor: int, account: int, market: int) -> Result:
        """Liquidate an account."""
        return self._by(actor, LIQUIDATION, "liquidate", self._id(account), market)

    def would_liquidate(self, actor: int, account: int, market: int) -> str | None:
        """Return why `liquidate` would be refused."""
        return self._would(actor, LIQUIDATION, "liquidate", self._id(account), market)

    def deleverage(self, actor: int, bankrupt: int, market: int, winners: Sequence[int]) -> Result:
        """Close winners against a deficit."""
        names = [self._id(winner) for winner in winners]
        return self._by(actor, WATERFALL, "auto_deleverage", self._id(bankrupt), market, names)

    def socialize(self, actor: int, account: int) -> Result:
        """Write a deficit off against the pool."""
        return self._by(actor, WATERFALL, "socialize_loss", self._id(account))

    def would_socialize(self, actor: int, account: int) -> str | None:
        """Return why `socialize` would be refused."""
        return self._would(actor, WATERFALL, "socialize_loss", self._id(account))

    def cover(self, actor: int, account: int) -> Result:
        """Let the fund pay a deficit."""
        return self._by(actor, WATERFALL, "cover_deficit", self._id(account))

    def release(self, actor: int, account: int, market: int) -> Result:
        """Credit an account with what was held of its gains and no deficit needs any more."""
        return self._by(actor, WATERFALL, "release_held", self._id(account), market)

    def held(self, account: int, market: int, side: int) -> HeldGain:
        """Return what is held of an account's gains against losers of a side."""
        return HeldGain(*self._read(LEDGER, "held_gain_of", self._id(account), market, side)[:3])

    def held_gains(self) -> int:
        """Return what is held of everybody's gains or freed and not collected, WAD."""
        return int(self._read(LEDGER, "totals")[HELD_GAINS])

    def freed(self, account: int, market: int) -> int:
        """Return what of an account's held gains may be collected, WAD."""
        return sum(self.held(account, market, side).freed for side in SIDES)

    def deficit(self, account: int) -> Deficit | None:
        """Return an account's record of a pending deficit."""
        market, side, recorded_at = self._read(LEDGER, "deficit_of", self._id(account))[:3]
        return Deficit(account, market, side, recorded_at) if recorded_at else None

    def ranked_winners(self, bankrupt: int, market: int) -> list[int]:
        """Return every account that deleveraging could name, in the order that it asks for.

        Whoever has closed already is ranked by what is held of its gain.
        """
        lost = int(self._read(LEDGER, "deficit_share_of", self._id(bankrupt), market)[1])
        if not lost:
            return []
        scores = []
        for account in range(PARTICIPANTS):
            size = self.position(account, market).size
            if size and (size > 0) != (lost > 0):
                score = self._read(WATERFALL, "deleverage_score", self._id(account), market)
            else:
                held = self.held(account, market, lost)
                score = deleverage_score(held.amount, held.entry_notional) if held.amount else 0
            if score:
                scores.append((-score, self._id(account), account))
        return [account for _, _, account in sorted(scores)]

    # Vaults: ``pool`` and ``fund``

    def enter(self, actor: int, vault: str, units: int) -> Result:
        """Deposit into a vault."""
        return self._by(actor, VAULTS[vault], "deposit", units, self.book.addresses[actor])

    def mint(self, actor: int, vault: str, shares: int) -> Result:
        """Deposit what a number of shares costs."""
        return self._by(actor, VAULTS[vault], "mint", shares, self.book.addresses[actor])

    def leave(self, actor: int, vault: str, shares: int) -> Result:
        """Redeem shares."""
        address = self.book.addresses[actor]
        return self._by(actor, VAULTS[vault], "redeem", shares, address, address)

    def take(self, actor: int, vault: str, units: int) -> Result:
        """Withdraw assets from a vault."""
        address = self.book.addresses[actor]
        return self._by(actor, VAULTS[vault], "withdraw", units, address, address)

    # Queues of the vaults

    def queue_seconds(self, vault: str) -> int:
        """Return how long shares wait before they leave."""
        return int(self.draw.word("queue_seconds" if vault == "pool" else "cooldown_seconds"))

    def ask(self, actor: int, vault: str, shares: int) -> Result:
        """Let shares begin to wait."""
        return self._by(actor, VAULTS[vault], "request_exit", shares)

    def cancel(self, actor: int, vault: str) -> Result:
        """Take waiting shares back."""
        return self._by(actor, VAULTS[vault], "cancel_exit")

    def waiting(self, actor: int, vault: str) -> int:
        """Return the shares that wait."""
        return int(self._read(VAULTS[vault], "exit_request", self.book.addresses[actor])[0])

    def must_queue_in(self, vault: str) -> bool:
        """Return whether a deposit has to wait: into the pool, while traders have positions."""
        return vault == "pool" and any(
            state.long_open_interest or state.short_open_interest for state in self.client.markets()
        )

    def ask_in(self, actor: int, units: int) -> Result:
        """Deposit into the pool; the shares come later."""
        return self._by(actor, VAULTS["pool"], "request_deposit", units)

    def would_ask_in(self, actor: int, units: int) -> str | None:
        """Return why `ask_in` would be refused."""
        return self._would(actor, VAULTS["pool"], "request_deposit", units)

    def come_in(self, actor: int, owner: int) -> Result:
        """Give an owner the shares of a deposit that has waited."""
        return self._by(actor, VAULTS["pool"], "claim_shares", self.book.addresses[owner])

    def would_come_in(self, owner: int) -> str | None:
        """Return why `come_in` would be refused."""
        return self._would(owner, VAULTS["pool"], "claim_shares", self.book.addresses[owner])

    def come_back(self, actor: int, least: int) -> Result:
        """Take a deposit back whose shares cannot be had, for at least some token units."""
        return self._by(actor, VAULTS["pool"], "cancel_deposit", least)

    def would_come_back(self, actor: int, least: int) -> str | None:
        """Return why `come_back` would be refused."""
        return self._would(actor, VAULTS["pool"], "cancel_deposit", least)

    def waiting_entry(self, actor: int) -> int:
        """Return the token units of somebody's deposit that waits."""
        return int(self._read(VAULTS["pool"], "deposit_request", self.book.addresses[actor])[0])

    def is_enterable(self, vault: str) -> bool:
        """Return whether a vault takes money at once, as it says."""
        return bool(self._read(VAULTS[vault], "maxDeposit", self.book.addresses[LP]))

    def shares(self, actor: int, vault: str) -> int:
        """Return shares of a vault."""
        return int(self._read(VAULTS[vault], "balanceOf", self.book.addresses[actor]))

    def held_next(self, actor: int, vault: str) -> int:
        """Return the shares that somebody has beside new ones: none if those begin an epoch."""
        priced = self.assets(vault) + self.liens()
        begins = vault == "fund" and not is_mintable(self.share_supply(vault), priced)
        return 0 if begins else self.shares(actor, vault)

    def share_supply(self, vault: str) -> int:
        """Return all shares of a vault."""
        return int(self._read(VAULTS[vault], "totalSupply"))

    def assets(self, vault: str) -> int:
        """Return what all shares of a vault are worth, token units."""
        return int(self._read(VAULTS[vault], "totalAssets"))

    def liens(self) -> int:
        """Return what liens on assets may bring back to whoever has paid, token units, rounded up."""
        return -(-int(self._read("collateral_registry", "total_liens")) // QUANTUM)

    def redeemable(self, actor: int, vault: str) -> int:
        """Return the shares that may be redeemed now."""
        return int(self._read(VAULTS[vault], "maxRedeem", self.book.addresses[actor]))

    def worth(self, vault: str, shares: int) -> int:
        """Return what shares of a vault are worth, whoever may leave with them; token units."""
        return int(self._read(VAULTS[vault], "convertToAssets", shares))

    def preview(self, vault: str, what: str, amount: int) -> int:
        """Return what a ``previewDeposit``, ``previewMint`` and so on says."""
        return int(self._read(VAULTS[vault], f"preview{what}", amount))

    # Everybody

    def donate(self, actor: int, to: str, units: int) -> Result:
        """Send tokens straight to a contract."""
        key = VAULTS.get(to, LEDGER)
        return self._by(actor, "token", "transfer", self.deployment.addresses[key], units)

    def poke(self, actor: int, market: int) -> Result:
        """Bring funding and ramp up to now."""
        return self._by(actor, REGISTRY, "poke", market)

    def report(self, actor: int, market: int, price: int, confidence: int = 0, age: int = 0) -> Result:
        """Report a price."""
        at = self.now - age
        return self._by(actor, "price_oracle", "report", market, price, confidence, at)

    def honest_report(self, market: int) -> list[Result]:
        """Let every honest reporter report its price."""
        return [self.report(reporter, market, self.prices[market]) for reporter in self.honest]

    def pause(self) -> Result:
        """Let the guardian stop what adds risk."""
        return self._send(GUARDIAN, "risk_governor", "pause")

    def governance_problem(self) -> str | None:
        """Let governance try what it may not do; return what it could do all the same."""
        desk = self.deployment.addresses[DESK]
        words = list(self._read(DESK, "parameters"))
        step, most = 5 * 10**14, 10**16
        tried = {
            "a fee far out of bounds": [ALL >> 129, *words[1:]],
            "a fee out of bounds": [words[0] + step, *words[1:]] if words[0] == most else None,
            "a fee that jumps": [words[0] + 10 * step + 1, *words[1:]] if words[0] < step else None,
        }
        for what, changed in tried.items():
            if changed is not None:
                data = self._data(DESK, "set_parameters", [tuple(changed)])
                if self._send(OWNER, "risk_governor", "propose", desk, data).status:
                    return f"{what} could be proposed"
                if self._send(GUARDIAN, "risk_governor", "tighten", desk, data).status:
                    return f"the guardian could set {what}"
        allowed = [words[0] + 10**14 if words[0] < 10**15 else words[0] - 10**14, *words[1:]]
        data = self._data(DESK, "set_parameters", [tuple(allowed)])
        proposed = self._send(OWNER, "risk_governor", "propose", desk, data)
        if not proposed.status:
            return f"a small change cannot be proposed: {proposed.reason}"
        number = int.from_bytes(proposed.output, "big")
        if self._send(OWNER, "risk_governor", "execute", number).status:
            return "a proposal was executed before its time"
        return None

    def connected_again(self) -> str | None:
        """Let the owner of everything connect what is connected; return what let it."""
        governor = self.deployment.addresses["risk_governor"]
        stranger = self.book.addresses[0]
        for key in (LEDGER, "liquidity_pool"):
            try:
                function = self.deployment.abis[key]["connect"]
                data = function.encode(*[stranger for _ in function.inputs])
                self.chain.call(self.deployment.addresses[key], data, sender=governor)
            except CallReverted:
                continue
            return key
        return None

    def ratios(self, market: int, notionals: Sequence[int]) -> list[tuple[int, int]]:
        """Return initial and maintenance ratios of positions of these notionals, WAD."""
        rows = self._read("lens", "margin_curve", market, list(notionals))
        return [(row[0], row[1]) for row in rows]

    def forbidden(self, actor: int) -> list[Result]:
        """Call the functions that are others' alone."""
        address, account = self.book.addresses[actor], self._id(actor)
        desk, ledger = self.deployment.addresses[DESK], self.deployment.addresses[LEDGER]
        calls: tuple[tuple[str, str, tuple[Any, ...]], ...] = (
            (LEDGER, "set_operator", (address, True)),
            (LEDGER, "connect", (address, address)),
            (LEDGER, "lock", ()),
            (LEDGER, "unlock", ()),
            (LEDGER, "deposit", (address, account, 1)),
            (LEDGER, "withdraw", (account, 1, address)),
            (LEDGER, "set_mode", (account, 1)),
            (LEDGER, "collect_fees", (address,)),
            (LEDGER, "draw_fund", (account, ALL)),
            (LEDGER, "set_asset", (account, 0, True)),
            (LEDGER, "write_off", (account,)),
            (LEDGER, "pay_tip", (address, QUANTUM)),
            (LEDGER, "transfer_ownership", (address,)),
            (REGISTRY, "set_market", (0, address, ALL)),
            (REGISTRY, "add_market", (address, ALL)),
            (DESK, "collect_fees", (address,)),
            (DESK, "pause", ()),
            (WATERFALL, "resolve", (account,)),
            ("risk_engine", "check_maintenance", (account, 0)),
            ("liquidity_pool", "pay", (QUANTUM,)),
            ("liquidity_pool", "collect", (QUANTUM,)),
            ("liquidity_pool", "apply_fill", (0, 10**18, 10**18)),
            ("liquidity_pool", "apply_deleverage", (0, 10**18, 10**18)),
            ("liquidity_pool", "set_pricing_terms", (0, 10**30, 0)),
            ("liquidity_pool", "connect", (address,)),
            ("insurance_fund", "draw", (QUANTUM, address)),
            ("insurance_fund", "contribute", (QUANTUM,)),
            ("insurance_fund", "set_drawer", (address, True)),
            ("price_oracle", "add_reporter", (0, address, 1, 3_600)),
            ("volatility_oracle", "set_correlation", ((60, 60, 1, 1, 1, 60),)),
            ("volatility_oracle", "set_performance", (0, (3_600, 1, 1, 10**18, 10**18, 60))),
            ("volatility_oracle", "set_implied_reporter", (0, address)),
            ("risk_governor", "propose", (desk, b"\0" * 4)),
            ("risk_governor", "tighten", (ledger, b"\0" * 4)),
            ("risk_governor", "pause", ()),
        )
        return [self._by(actor, key, function, *arguments) for key, function, arguments in calls]

    def leave_for_another(self, actor: int, vault: str, owner: int) -> Result:
        """Try to redeem somebody else's shares."""
        names = self.book.addresses
        return self._by(actor, VAULTS[vault], "redeem", 1, names[actor], names[owner])

    # What can be seen

    @property
    def now(self) -> int:
        """Time of the open block."""
        return self.chain.timestamp

    def index(self, market: int) -> int:
        """Return the index price, WAD."""
        return int(self._read("price_oracle", "asset_price", market)[0])

    def pool_position(self, market: int) -> int:
        """Return the pool's position, WAD base."""
        return int(self._read("liquidity_pool", "position", market))

    def wallet(self, actor: int) -> int:
        """Return tokens outside the protocol, units."""
        return int(self._read("token", "balanceOf", self.book.addresses[actor]))

    def collateral(self, actor: int) -> int:
        """Return booked collateral, signed WAD."""
        return int(self._read(LEDGER, "collateral_of", self._id(actor)))

    def position(self, actor: int, market: int) -> Position:
        """Return a position."""
        found = self._read(LEDGER, "position_of", self._id(actor), market)
        return Position(found[0], found[1])

    def open_markets(self, actor: int) -> list[int]:
        """Return the markets in which an account has a position."""
        bits = int(self._read(LEDGER, "open_markets_of", self._id(actor)))
        return [market for market in range(len(self.prices)) if bits >> market & 1]

    def states(self, accounts: Sequence[int] = range(PARTICIPANTS)) -> list[AccountState]:
        """Return the margin state of participants, of all by default, at the risk price."""
        return self.client.account_states(accounts)

    def markets(self) -> tuple[MarketState, ...]:
        """Return every market."""
        return self.client.markets()

    def totals(self) -> ProtocolState:
        """Return the protocol's totals."""
        return self.client.totals()

    def withdrawals_open(self) -> bool:
        """Return whether collateral may leave."""
        return bool(self._read(WATERFALL, "withdrawals_open"))

    def may(self, market: int, action: int) -> bool:
        """Return whether the price is good enough for an action."""
        return bool(self._read("price_oracle", "is_allowed", market, action))

    # Time

    def wait(self, seconds: int) -> None:
        """End the block and start one that much later; honest reporters repeat what they know."""
        if seconds <= 0:
            raise ValueError("time does not stand still between blocks")
        self.chain.end_block()
        self.chain.start_block(self.chain.block_number + 1, self.chain.timestamp + seconds)

    def fork(self) -> Fork:
        """Return a context in which everything that happens is undone afterwards; a block passes."""
        return Fork(self)

    def close(self) -> None:
        """Release the engine's memory."""
        self.chain.close()


class Fork:
    """Undoes what happens inside; nobody keeps events there."""

    def __init__(self, world: World) -> None:
        self._world = world

    def __enter__(self) -> None:
        world = self._world
        world.chain.end_block()
        self._handle = world.chain.snapshot()
        self._kept = (world.quiet, world.transactions, list(world.prices), list(world.others.prices))
        world.quiet = True
        world.chain.start_block(world.chain.block_number + 1, world.chain.timestamp + 1)

    def __exit__(self, *_: object) -> None:
        world = self._world
        world.chain.end_block()
        world.chain.restore(self._handle)
        world.quiet, world.transactions, world.prices, world.others.prices = self._kept
        world.chain.start_block(world.chain.block_number + 1, world.chain.timestamp + 1)
