"""A protocol as the simulator deploys it, governor and all, with short words for what governance does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sim.chain.accounts import account
from sim.chain.chain import CallReverted, Chain, default_engine
from sim.chain.transaction import Receipt, Transaction
from sim.engine.worlds.parameters import protocol_parameters
from sim.protocol.account_ids import own_account
from sim.protocol.address_book import AddressBook
from sim.protocol.deployed import OWNER
from sim.protocol.deployment import deploy_protocol
from sim.protocol.governance import rules
from sim.protocol.governance.setup import GOVERNOR, GUARDIAN
from sim.protocol.governance.values import PARAMETERS_SELECTOR
from sim.protocol.parameters.table import STRUCTS, Struct
from sim.protocol.parameters.values import ProtocolParameters
from tests.support.small_run import small_scenario

GENESIS = 1_700_000_000
PRICE = 2_000.0
DAY = 86_400
NOBODY = account("nobody").address
ZERO = "0x" + "00" * 20
GROUPS = [("traders:small", 2), ("liquidators:fast", 1), ("keepers:0", 5), ("providers", 1)]


def parameters_of(kind: str = "adaptive", *overrides: str) -> ProtocolParameters:
    """Return the small scenario's parameters with a risk model."""
    return protocol_parameters(small_scenario(f'protocol.risk_model="{kind}"', *overrides), [PRICE])


class Governed:
    """A deployed protocol between two blocks."""

    def __init__(
        self,
        kind: str = "adaptive",
        *,
        custom: Path | None = None,
        contracts: Path | None = None,
        parameters: ProtocolParameters | None = None,
        engine: str | None = None,
    ) -> None:
        self.kind = kind
        self.parameters = parameters or parameters_of(kind)
        self.book = AddressBook(GROUPS)
        self.chain = Chain.create(engine or default_engine(), GENESIS)
        keepers = self.book.groups["keepers:0"]
        self.chain.start_block(1, GENESIS + 12)
        self.deployment = deploy_protocol(
            self.chain,
            self.parameters,
            self.book,
            [list(range(keepers.start, keepers.stop))],
            kind,
            custom,
            contracts,
            asset_reporters=[list(range(keepers.start, keepers.stop)) for _ in self.parameters.assets],
        )
        self.chain.end_block()
        self.governor = self.deployment.addresses[GOVERNOR]
        self.trader, self.other = self.book.addresses[:2]
        self.liquidator = self.book.addresses[2]
        self.keepers = self.book.addresses[keepers.start : keepers.stop]
        self.provider = self.book.addresses[keepers.stop]

    # Calls

    def data(self, key: str, function: str, *arguments: Any) -> bytes:
        """Return calldata."""
        return self.deployment.abis[key][function].encode(*arguments)

    def send(self, sender: str, key: str, function: str, *arguments: Any, at: int | None = None) -> Receipt:
        """Send one transaction in a block of its own."""
        return self.send_raw(
            sender, self.deployment.addresses[key], self.data(key, function, *arguments), at=at
        )

    def send_raw(self, sender: str, to: str, data: bytes, *, at: int | None = None) -> Receipt:
        """Send calldata in a block of its own."""
        time = self.now + 12 if at is None else at
        self.chain.start_block(self.chain.block_number + 1, time)
        receipt = self.chain.execute(Transaction(sender, to, data))
        self.chain.end_block()
        return receipt

    def must(self, sender: str, key: str, function: str, *arguments: Any, at: int | None = None) -> Any:
        """Send one transaction that must succeed; return what it returns."""
        receipt = self.send(sender, key, function, *arguments, at=at)
        assert receipt.status, f"{key}.{function}: {receipt.revert_reason}"
        return self.deployment.abis[key][function].decode(receipt.output)

    def read(self, key: str, function: str, *arguments: Any) -> Any:
        """Call a view."""
        entry = self.deployment.abis[key][function]
        return entry.decode(self.chain.call(self.deployment.addresses[key], entry.encode(*arguments)))

    def refusal(self, sender: str, to: str, data: bytes) -> str | None:
        """Return why a call would revert now, None if it would not; nothing changes."""
        try:
            self.chain.call(to, data, sender=sender)
        except CallReverted as reverted:
            return reverted.reason
        return None

    @property
    def now(self) -> int:
        return self.chain.timestamp

    # Governance

    def setting(self, **changes: int) -> bytes:
        """Return calldata of a contract's ``set_parameters``: the current words, some of them replaced."""
        struct = next(struct for struct in STRUCTS if changes.keys() <= set(struct.names))
        return self.data(struct.contract, "set_parameters", self.words(struct, **changes))

    def words(self, struct: Struct, **changes: int) -> tuple[int, ...]:
        """Return the words of a contract's struct, some replaced."""
        words = dict(zip(struct.names, self.read(struct.contract, "parameters"), strict=True))
        assert changes.keys() <= words.keys()
        return tuple((words | changes).values())

    def propose(self, key: str, data: bytes, *, sender: str = OWNER) -> int:
        """Queue a call; return its id."""
        return int(self.must(sender, GOVERNOR, "propose", self.deployment.addresses[key], data))

    def ready_at(self, identifier: int) -> int:
        return int(self.read(GOVERNOR, "proposal", identifier)[3])

    def execute(self, identifier: int, *, sender: str = OWNER, at: int | None = None) -> Receipt:
        """Execute a proposal, by default as soon as it may be."""
        return self.send(
            sender, GOVERNOR, "execute", identifier, at=at or max(self.ready_at(identifier), self.now + 1)
        )

    def enact(self, key: str, data: bytes) -> None:
        """Propose and execute a call that must be legal."""
        receipt = self.execute(self.propose(key, data))
        assert receipt.status, receipt.revert_reason

    def proposing(self, key: str, data: bytes, *, sender: str = OWNER) -> str | None:
        """Return why proposing a call would be refused now."""
        return self.refusal(
            sender, self.governor, self.data(GOVERNOR, "propose", self.deployment.addresses[key], data)
        )

    def tightening(self, key: str, data: bytes, *, sender: str = GUARDIAN) -> str | None:
        """Return why the guardian would be refused a call now."""
        return self.refusal(
            sender, self.governor, self.data(GOVERNOR, "tighten", self.deployment.addresses[key], data)
        )

    # Models

    def model(self, market: int = 0) -> str:
        """Return the address of a market's formula."""
        return str(self.read("market_registry", "market_info", market)[0])

    def model_words(self, **changes: int) -> list[int]:
        """Return the deployed formula's words, some replaced."""
        words = dict(zip(rules.MODELS[self.kind], self._model_parameters(), strict=True))
        assert changes.keys() <= words.keys()
        return list((words | changes).values())

    def set_model(self, words: list[int], kind: str | None = None, market: int = 0) -> bytes:
        """Return calldata of the governor's ``set_model``."""
        return self.data(GOVERNOR, "set_model", market, rules.KINDS[kind or self.kind], words)

    def _model_parameters(self) -> list[int]:
        data = self.chain.call(self.model(), PARAMETERS_SELECTOR)
        return [int.from_bytes(data[i : i + 32], "big") for i in range(0, len(data), 32)]

    # The market, for what needs one

    def report(self, price: int) -> None:
        """Let every keeper report a price (WAD)."""
        for keeper in self.keepers:
            self.must(keeper, "price_oracle", "report", 0, price, 0, self.now)

    def fill(self, collateral: int = 10_000 * 10**6, liquidity: int = 1_000_000 * 10**6) -> None:
        """Give pool and traders tokens (units) and deposit them."""
        for holder, amount, key in (
            (self.provider, liquidity, "liquidity_pool"),
            (self.trader, 2 * collateral, "ledger"),
            (self.other, 2 * collateral, "ledger"),
        ):
            self.must(OWNER, "token", "mint", holder, 2 * amount)
            self.must(holder, "token", "approve", self.deployment.addresses[key], 2**256 - 1)
        self.must(self.provider, "liquidity_pool", "deposit", liquidity, self.provider)
        for trader in (self.trader, self.other):
            self.must(trader, "trading_desk", "deposit", own_account(trader), collateral)

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Undo everything that happens inside."""
        handle = self.chain.snapshot()
        try:
            yield
        finally:
            self.chain.restore(handle)
