"""A protocol in which every role could do everything, if it were let: where the table of access is tried.

Each role has tokens, collateral, a position, shares and requests of its own, so that what refuses it is the
guard and not that it has nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from sim.chain.abi import ContractAbi
from sim.chain.accounts import account
from sim.chain.backend import Log
from sim.chain.chain import CallReverted
from sim.chain.compile import compile_contract, contracts_root
from sim.chain.transaction import Transaction
from sim.protocol.account_ids import own_account
from sim.protocol.deployed import OWNER
from sim.protocol.governance.rules import KINDS
from sim.protocol.governance.setup import GUARDIAN
from sim.protocol.parameters.collateral import ASSET
from sim.protocol.parameters.table import STRUCTS
from sim.protocol.parameters.values import AssetParameters
from sim.reference.account_ids import account_id
from tests.support.access.roles import (
    CONTRACTS,
    EVERYBODY,
    FREE,
    GOVERNOR,
    HANDS,
    HELD,
    HOLDER,
    PAUSED,
    ROLES,
    STATES,
)
from tests.support.access.table import DONE, OWNED, TABLE, Row
from tests.support.governed import DAY, Governed, parameters_of

WAD: Final = 10**18
UNIT: Final = 10**6
ALL: Final = 2**256 - 1
HARNESS: Final = Path(__file__).resolve().parents[2] / "harnesses" / "OperatorHarness.vy"
ASSET_PRICE: Final = 100 * WAD
OTHER: Final = AssetParameters(
    name="Other",
    decimals=18,
    initial_price=100.0,
    initial_variance_fast=0.25,
    initial_variance_slow=0.25,
    pool_fee_rate=0.003,
    terms={**ASSET.defaults, "deposit_cap": 1_000_000.0},
)
"""An asset of the collateral registry, so that everything about assets can be done."""
SCENES: Final = ("calm", "late", "pair", "open", "owed")

Observed = dict[tuple[str, str, str], dict[tuple[str, str], str]]
"""(contract, function, case) -> {(role, state): what it is told}."""


class AccessWorld(Governed):
    """The protocol as it is deployed, with a sealed governor.

    In the scene ``calm`` nobody has a position, what was requested of the vaults is ready, and no deficit
    pends; in ``late`` deposits that waited can no longer be claimed; in ``open`` every role has a position,
    and there are an account to liquidate, a pending deficit, a winner, and a gain that is held against it; in
    ``owed`` the fund does not pay besides.
    """

    PRICE: Final = 2_000 * WAD

    def __init__(self, contracts: Path | None = None) -> None:
        parameters = replace(parameters_of("static"), assets=[OTHER], portfolio=STRUCTS["portfolio"].defaults)
        super().__init__("static", contracts=contracts, parameters=parameters)
        harness = compile_contract(HARNESS, search_root=contracts_root().parent)
        self._hands = ContractAbi(harness.abi)
        fund = self.deployment.artifacts["insurance_fund"]
        with self._block():
            hands = {
                role: self.chain.deploy(harness, self._hands.constructor.encode(self.at("ledger")), OWNER)
                for role in HANDS
            }
            owned = self.deployment.abis["insurance_fund"].constructor.encode(
                OWNER,
                self.at("token"),
                self.at("ledger"),
                self.at("collateral_registry"),
                (0, 13 * DAY, 2 * DAY),
            )
            self.spare = self.chain.deploy(fund, owned, OWNER)
            self.spare_token = self._another("token", "Third", "3RD", 18)
            self.spare_pool = self._another(
                "spot_pool", OWNER, self.spare_token, self.at("token"), WAD // 1_000
            )
        self.addresses: dict[str, str] = {
            "stranger": account("stranger").address,
            "trader": self.trader,
            "spender": self.other,
            "liquidator": self.liquidator,
            "reporter": self.keepers[0],
            "provider": self.provider,
            "guardian": GUARDIAN,
            "governance": OWNER,
            "heir": account("heir").address,
            **{key: self.at("risk_model:0" if key == "risk_model" else key) for key in CONTRACTS},
            **hands,
        }
        assert tuple(self.addresses) == ROLES
        self.debtor, self.weak, self.winner, self.pledger = (
            account(name).address for name in ("debtor", "weak", "winner", "pledger")
        )
        self._set_up()
        self._calm = self.chain.snapshot()

    # What rows call with

    def at(self, key: str) -> str:
        """Return the address of a contract; of the pools of assets, the first."""
        return str(self.deployment.addresses[f"{key}:0" if key in {"spot_pool", "collateral_token"} else key])

    def asset_terms(self) -> Any:
        """Return the parameters of the asset that is listed."""
        return self.read("collateral_registry", "parameters", 0)

    def account_of(self, owner: str, index: int = 0) -> int:
        """Return an owner's account."""
        return account_id(int(owner, 16), index)

    def kind_of(self, model: str) -> int:
        """Return the governor's number of a formula."""
        return KINDS[model]

    def snapshot(self) -> Any:
        """Return market 0 as of now."""
        return self.read("market_registry", "market_snapshot", 0)

    def order(self, holder: int) -> tuple[Any, ...]:
        """Return an order that adds one unit to an account's position."""
        return (holder, 0, 0, WAD, self.PRICE, 0, 0, WAD // 20, 0, 0, 0, 0, 0, OWNER, 0, 0)

    def tighter(self) -> bytes:
        """Return calldata that the guardian may send."""
        weight = self.read("risk_engine", "parameters")[0]
        return self.setting(upnl_weight=weight - WAD // 100)

    # Trying

    def observe(self) -> Observed:
        """Try every row as every role in every state."""
        seen: Observed = {(row.contract, row.function, row.case): {} for row in TABLE}
        for scene in SCENES:
            self.chain.restore(self._calm)
            getattr(self, f"_{scene}_scene")()
            rows = [row for row in TABLE if row.scene == scene]
            for state, callers in STATES.items():
                if state == PAUSED:
                    continue
                self._try(rows, state, callers, seen)
            self._send(GUARDIAN, GOVERNOR, "pause")
            self._try(rows, PAUSED, STATES[PAUSED], seen)
        return seen

    def logged(self) -> dict[str, list[str]]:
        """Let somebody who may do each thing; return the events of each, with who logs them."""
        keys = {address: key for key, address in self.addresses.items()} | {
            self.spare: "insurance_fund",
            self.at("collateral_token"): "token",
        }
        found: dict[str, list[str]] = {}
        for scene in SCENES:
            self.chain.restore(self._calm)
            getattr(self, f"_{scene}_scene")()
            handle = self.chain.snapshot()
            for row in TABLE:
                if row.scene != scene or not (row.holder_only or DONE in (row.free, row.held, row.paused)):
                    continue
                role = HOLDER if row.holder_only or row.held == DONE else min(row.who)
                sender, target, data = self._call(row, role, HELD if role == HOLDER else FREE)
                if row.free != DONE == row.paused:
                    self._send(GUARDIAN, GOVERNOR, "pause")
                with self._block():
                    receipt = self.chain.execute(Transaction(sender, target, data))
                assert receipt.status, f"{row.contract}.{row.function}: {receipt.revert_reason}"
                names = [self._name(keys, log) for log in receipt.logs]
                case = f" {row.case}" if row.case else ""
                found[f"{row.contract}.{row.function}{case}"] = names
                self.chain.restore(handle)
        return found

    def _name(self, keys: dict[str, str], log: Log) -> str:
        key = keys.get(log.address, "risk_model")
        event = self.deployment.abis[key].events[log.topics[0]]
        return f"{key}.{event.name}"

    def harmed(self) -> list[str]:
        """Let a stranger do what anybody may; return what then takes something of the trader's."""
        found = []
        for scene in SCENES:
            self.chain.restore(self._calm)
            getattr(self, f"_{scene}_scene")()
            handle = self.chain.snapshot()
            before = self._belongings()
            for row in TABLE:
                if row.scene == scene and row.who == EVERYBODY:
                    stranger = self.addresses["stranger"]
                    self._send(stranger, row.contract, row.function, *row.arguments(self, stranger))
                    after = self._belongings()
                    if any(after[name] < before[name] for name in before):
                        found.append(f"{row.contract}.{row.function}: {before} -> {after}")
                    self.chain.restore(handle)
        return found

    def _belongings(self) -> dict[str, int]:
        """Return what the trader has."""
        own = self.account_of(self.trader)
        found = {
            "tokens": self.read("token", "balanceOf", self.trader),
            "collateral": self.read("ledger", "collateral_of", own),
            "asset": self.read("collateral_registry", "balance_of", own, 0),
            "size": self.read("ledger", "position_of", own, 0)[0],
        }
        for vault in ("liquidity_pool", "insurance_fund"):
            found[vault] = self.read(vault, "balanceOf", self.trader)
            found[f"{vault} waiting"] = self.read(vault, "exit_request", self.trader)[0]
        found["deposit waiting"] = self.read("liquidity_pool", "deposit_request", self.trader)[1]
        # A deposit that waited becomes shares.
        found["liquidity_pool"] += found.pop("deposit waiting")
        return {name: int(value) for name, value in found.items()}

    def _try(self, rows: list[Row], state: str, callers: tuple[str, ...], seen: Observed) -> None:
        for row in rows:
            for role in callers:
                if role == row.contract != GOVERNOR:
                    continue  # no contract but the governor calls itself
                told = self._told(row, role, state)
                seen[row.contract, row.function, row.case][role, state] = told

    def _told(self, row: Row, role: str, state: str) -> str:
        sender, target, data = self._call(row, role, state)
        try:
            self.chain.call(target, data, sender=sender)
        except CallReverted as reverted:
            return reverted.reason
        return DONE

    def _call(self, row: Row, role: str, state: str) -> tuple[str, str, bytes]:
        """Return sender, target and calldata of a call by a role in a state."""
        caller, target = self.addresses[role], self.at(row.contract)
        data = self.data(row.contract, row.function, *row.arguments(self, caller))
        if state != HELD:
            return caller, target, data
        if role != HOLDER:
            data, target = self._hands["call_unlocked"].encode(target, data), caller
        return OWNER, self.addresses[HOLDER], self._hands["call_and_forget"].encode(target, data)

    # The scenes

    def _calm_scene(self) -> None:
        pass

    def _late_scene(self) -> None:
        self._later(2 * 3_600)

    def _pair_scene(self) -> None:
        self._send(self.governor, "volatility_oracle", "add_market", WAD, self.winner)
        self._report(self.PRICE)
        self._later(3_600)

    def _open_scene(self) -> None:
        with self._block():
            for role in ROLES:
                self._do(self.addresses[role], "trading_desk", "increase_position", 0, 0, 2 * WAD, 0)
            for owing in (self.debtor, self.pledger):
                self._do(owing, "trading_desk", "increase_position", 0, 0, 10 * WAD, 0)
            self._do(self.winner, "trading_desk", "increase_position", 0, 0, -20 * WAD, 0)
        self._report(1_760 * WAD)
        with self._block():
            self._do(self.weak, "trading_desk", "increase_position", 0, 0, 10 * WAD, 0)
            self._do(self.governor, "insurance_fund", "set_drawer", self.at("ledger"), False)
            self._do(self.debtor, "trading_desk", "decrease_position", 0, 0, ALL, 0)
            self._do(self.winner, "trading_desk", "decrease_position", 0, 0, WAD // 10, 0)
            self._do(self.governor, "insurance_fund", "set_drawer", self.at("ledger"), True)
            self._do(self.pledger, "trading_desk", "decrease_position", 0, 0, ALL, 0)
        for _ in range(3):  # the risk price follows within its limits
            self._report(1_600 * WAD)

    def _owed_scene(self) -> None:
        self._open_scene()
        self._send(self.governor, "insurance_fund", "set_drawer", self.at("ledger"), False)

    def _set_up(self) -> None:
        with self._block():
            for key in OWNED:
                self._do(self.governor, key, "transfer_ownership", self.addresses["heir"])
            self._do(OWNER, GOVERNOR, "transfer_ownership", self.addresses["heir"])
            self._must(OWNER, self.spare, self.data("insurance_fund", "transfer_ownership", self.governor))
            self._do(self.governor, "price_oracle", "add_asset", self.PRICE, WAD // 4, WAD // 4)
            self._do(self.governor, "liquidity_pool", "add_market", 10**24, WAD // 100)
            for role in (HOLDER, "second operator"):
                self._do(self.governor, "ledger", "set_operator", self.addresses[role], True)
            for keeper in self.keepers:
                self._do(self.governor, "price_oracle", "add_reporter", 1, keeper, 1, 3_600)
            data = self.data("price_oracle", "remove_reporter", 0, self.keepers[1])
            receipt = self._do(OWNER, GOVERNOR, "propose", self.at("price_oracle"), data)
            self.queued = int.from_bytes(receipt, "big")
        self._report(self.PRICE)
        with self._block():
            for key in ("liquidity_pool", "insurance_fund"):
                self._fill(self.provider, key, 4_000_000)
            for holder in (*self.addresses.values(), self.debtor, self.weak, self.winner, self.pledger):
                self._equip(holder)
            for key, function, given in (
                ("collateral_token", "mint", (self.governor, 10_000 * WAD)),
                ("token", "mint", (self.governor, 1_000_000 * UNIT)),
            ):
                self._must(OWNER, self.at(key), self.data("token", function, *given))
            self._do(self.governor, "token", "approve", self.at("spot_pool"), ALL)
            self._do(self.governor, "spot_pool", "add_liquidity", 5_000 * WAD, 500_000 * UNIT)
            for vault in ("liquidity_pool", "insurance_fund"):
                self._do(self.trader, vault, "approve", self.addresses["spender"], ALL)
            self._each("insurance_fund", "request_exit", 1_000 * 10**12)
        self._later(13 * DAY)
        self._report(self.PRICE)
        self._each_in_a_block("liquidity_pool", "request_exit", 1_000 * 10**12)
        self._each_in_a_block("liquidity_pool", "request_deposit", 1_000 * UNIT)
        self._later(3_600)
        self._report(self.PRICE)
        self._later(12)

    def _another(self, key: str, *arguments: Any) -> str:
        """Deploy another copy of a contract."""
        encoded = self.deployment.abis[key].constructor.encode(*arguments)
        return str(self.chain.deploy(self.deployment.artifacts[key], encoded, OWNER))

    def _equip(self, holder: str) -> None:
        """Give somebody collateral, and shares of both vaults."""
        self._fill(holder, "insurance_fund", 10_000)
        self._fill(holder, "liquidity_pool", 10_000)
        few = holder in (self.debtor, self.weak, self.pledger)
        self._fill(holder, "ledger", 2_300 if few else 100_000)
        for key in ("loss_waterfall", "spot_pool"):
            self._do(holder, "token", "approve", self.at(key), ALL)
        token = self.at("collateral_token")
        self._must(OWNER, token, self.data("token", "mint", holder, 100 * WAD))
        for key in ("collateral_registry", "spot_pool"):
            self._must(holder, token, self.data("token", "approve", self.at(key), ALL))
        if holder == self.pledger or not few:
            units = WAD // 2 if few else 50 * WAD
            payer = holder
            if holder == self.at("collateral_registry"):  # what it sends itself does not arrive
                payer = self.provider
                self._must(OWNER, token, self.data("token", "mint", payer, units))
                self._must(payer, token, self.data("token", "approve", holder, ALL))
            self._do(payer, "trading_desk", "deposit_collateral", own_account(holder), 0, units)

    def _fill(self, holder: str, key: str, quote: int) -> None:
        self._do(OWNER, "token", "mint", holder, 2 * quote * UNIT)
        self._do(holder, "token", "approve", self.at(key), ALL)
        if key == "ledger":
            self._do(holder, "trading_desk", "deposit", own_account(holder), quote * UNIT)
        elif holder != self.at(key):
            self._do(holder, key, "deposit", quote * UNIT, holder)

    def _each(self, vault: str, function: str, amount: int) -> None:
        for holder in self.addresses.values():
            if holder != self.at(vault):
                self._do(holder, vault, function, amount)

    def _each_in_a_block(self, vault: str, function: str, amount: int) -> None:
        with self._block():
            self._each(vault, function, amount)

    # Blocks

    def _report(self, price: int) -> None:
        self._later(300)
        with self._block():
            for market in range(2):
                for keeper in self.keepers:
                    self._do(keeper, "price_oracle", "report", market, price, 0, self.now)
            oracle, data = (
                self.at("collateral_oracle"),
                self.data("price_oracle", "report", 0, ASSET_PRICE, 0, self.now),
            )
            for keeper in self.keepers:
                self._must(keeper, oracle, data)

    def _later(self, seconds: int) -> None:
        with self._block(seconds):
            pass

    @contextmanager
    def _block(self, seconds: int = 12) -> Iterator[None]:
        self.chain.start_block(self.chain.block_number + 1, self.now + seconds)
        try:
            yield
        finally:
            self.chain.end_block()

    def _send(self, sender: str, key: str, function: str, *arguments: Any) -> None:
        with self._block():
            self._do(sender, key, function, *arguments)

    def _do(self, sender: str, key: str, function: str, *arguments: Any) -> bytes:
        return self._must(sender, self.at(key), self.data(key, function, *arguments), f"{key}.{function}")

    def _must(self, sender: str, to: str, data: bytes, what: str = "") -> bytes:
        receipt = self.chain.execute(Transaction(sender, to, data))
        assert receipt.status, f"{what} by {sender}: {receipt.revert_reason}"
        return receipt.output
