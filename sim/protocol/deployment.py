"""Deploys and wires the protocol on a chain and fills wallets and vaults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sim.chain.abi import ContractAbi
from sim.chain.chain import Chain
from sim.chain.compile import Artifact, compile_contract, contracts_root
from sim.chain.transaction import Receipt, Transaction
from sim.core.errors import InputError, RunError
from sim.core.units import to_wad
from sim.protocol.address_book import AddressBook
from sim.protocol.codes import Refusal
from sim.protocol.contracts import compile_protocol, compile_risk_models, load_abis
from sim.protocol.deployed import OWNER, Deployment
from sim.protocol.first_answer import why_no_first_answer
from sim.protocol.formulas import FORMULA_GAS
from sim.protocol.frozen_margins import stand_in_for
from sim.protocol.governance.setup import FORWARDER, Hands, hand_over
from sim.protocol.parameters.values import MarketParameters, ProtocolParameters
from sim.protocol.parameters.words import fill_inputs, inputs_of

TOKEN_DECIMALS = 6
FORWARDER_SOURCE = "testing/ForwardingRiskModel.vy"
WALLET_BATCH = 512
"""Most accounts one ``mint_many`` takes (bound of the mock token)."""
UNLIMITED_ALLOWANCE = 2**256 - 1
MAX_REPORTERS = 7
"""Reporters of a market that the oracle holds (``MAX_REPORTERS`` on chain)."""
REPORTER_WEIGHT = 1
"""The same for every reporter: the index is a weighted median, so that a common weight changes nothing."""
DRAWER = True
"""Status of a contract that may draw on the insurance fund."""
OPERATOR = True
"""Status of a contract that may change accounts."""
OPERATORS = ("trading_desk", "liquidation_engine", "loss_waterfall")
"""Contracts that have it."""


NO_FIRST_ANSWER = frozenset(("markets: formula has no good answer", Refusal.NO_GOOD_ANSWER))
"""Reasons of the registry for refusing a formula that does not answer."""


class SetUpRefusedError(RunError):
    """The contracts refuse a step of the deployment.

    Attributes
    ----------
    step
        Contract and function.
    reason
        What the contracts say.
    """

    def __init__(self, step: str, reason: str) -> None:
        self.step, self.reason = step, reason
        super().__init__(f"set-up failed: {step} reverted: {reason}")

    def __reduce__(self) -> tuple[type[SetUpRefusedError], tuple[str, str]]:
        """Keep the reason when the error crosses a process boundary."""
        return (type(self), (self.step, self.reason))


class Deployer:
    """Deploys once; every step that reverts stops with its reason.

    Parameters
    ----------
    models
        Risk models by name that the governor may set; none if not given.
    can_freeze_margins
        Put a stand-in before every margin formula that can hold its inputs (`sim.protocol.frozen_margins`).
    bounds_nothing
        The governor's rules let any parameter change by any amount; its time-lock stays.
    formula
        What users know the margin formula by: a file, or the name of one that ships.
    """

    def __init__(
        self,
        chain: Chain,
        artifacts: Mapping[str, Artifact],
        models: Mapping[str, Artifact] | None = None,
        *,
        can_freeze_margins: bool = False,
        bounds_nothing: bool = False,
        formula: str = "the risk model",
    ) -> None:
        self._chain = chain
        self._artifacts = artifacts
        self._models = {} if models is None else models
        self._abis = load_abis(artifacts)
        self._addresses: dict[str, str] = {}
        self._can_freeze_margins = can_freeze_margins
        self._bounds_nothing = bounds_nothing
        self._formula = formula

    def deploy(self, parameters: ProtocolParameters, reporters: Sequence[Sequence[str]]) -> Deployment:
        """Deploy every contract, wire it and hand it over to the governor.

        Parameters
        ----------
        parameters
            Of all contracts.
        reporters
            [market] addresses that may report its price.

        Raises
        ------
        InputError
            A parameter is missing, unknown or out of the contracts' bounds.
        """
        self._create("token", ("USD Coin", "USDC", TOKEN_DECIMALS))
        self._create("price_oracle", self._fill("price_oracle", parameters.oracle, "oracle"))
        self._create("ledger", self._fill("ledger", {}, "ledger"))
        self._create("liquidity_pool", self._fill("liquidity_pool", parameters.pool, "pool"))
        self._create("insurance_fund", self._fill("insurance_fund", parameters.fund, "insurance_fund"))
        self._create("market_registry", self._fill("market_registry", parameters.registry, "margin"))
        self._create("risk_engine", self._fill("risk_engine", parameters.risk, "margin"))
        self._create("deleverage_policy", ())
        self._create("loss_waterfall", self._fill("loss_waterfall", parameters.waterfall, "liquidation"))
        self._create("trading_desk", self._fill("trading_desk", parameters.fees, "margin"))
        self._create(
            "liquidation_engine", self._fill("liquidation_engine", parameters.liquidation, "liquidation")
        )
        self._create("lens", self._fill("lens", {}, "lens"))
        get = self._addresses
        self.send("ledger", "connect", get["liquidity_pool"], get["insurance_fund"])
        self.send("liquidity_pool", "connect", get["market_registry"])
        self.send("insurance_fund", "set_drawer", get["ledger"], DRAWER)
        for key in OPERATORS:
            self.send("ledger", "set_operator", get[key], OPERATOR)
        for market_id, market in enumerate(parameters.markets):
            key = f"risk_model:{market_id}"
            self._create(
                key,
                self._fill("risk_model", market.risk_model, f"risk model of {market.name}"),
                "risk_model",
                can_freeze=self._can_freeze_margins,
            )
            self.send(
                "price_oracle",
                "add_asset",
                to_wad(market.initial_price),
                to_wad(market.initial_variance_fast),
                to_wad(market.initial_variance_slow),
            )
            for reporter in reporters[market_id]:
                given = {"asset": market_id, "reporter": reporter, "weight": REPORTER_WEIGHT}
                self._add("price_oracle", "add_reporter", given, parameters.reporter)
            self._add("liquidity_pool", "add_market", {}, market.pricing_terms)
            self._list(market_id, market)
        hands = Hands(owner=OWNER, create=self._deploy, send=self.send)
        hand_over(
            hands,
            get,
            self._abis,
            self._artifacts,
            self._models,
            len(parameters.markets),
            bounds_nothing=self._bounds_nothing,
        )
        return Deployment(
            addresses=self._addresses,
            abis=self._abis,
            artifacts=self._artifacts,
            markets=len(parameters.markets),
        )

    def _list(self, market_id: int, market: MarketParameters) -> None:
        """Point the registry at a market's formula, which must answer.

        Raises
        ------
        InputError
            It does not.
        """
        formula = self._addresses[f"risk_model:{market_id}"]
        try:
            self._add("market_registry", "add_market", {"risk_model": formula}, market.market)
        except SetUpRefusedError as error:
            if error.reason not in NO_FIRST_ANSWER:
                raise
            why = why_no_first_answer(self._chain, self._abis, self._addresses, market_id)
            raise InputError(
                f"{self._formula}: the margin formula of market {market.name} has no good answer before the "
                f"first block: {why}; a formula must give 0 < maintenance < initial <= 1 there within "
                f"{FORMULA_GAS:,} gas (docs/formulas.md)"
            ) from error

    def send(self, key: str, function: str, *arguments: Any, sender: str = OWNER) -> Receipt:
        """Send one transaction that must succeed."""
        data = self._abis[key][function].encode(*arguments)
        receipt = self._chain.execute(Transaction(sender=sender, to=self._addresses[key], data=data))
        if not receipt.status:
            raise SetUpRefusedError(f"{key}.{function}", receipt.revert_reason or "no reason")
        return receipt

    def _create(
        self,
        key: str,
        arguments: Sequence[Any],
        artifact_key: str | None = None,
        *,
        can_freeze: bool = False,
    ) -> None:
        artifact = self._artifacts[artifact_key or key]
        encoded = self._abis[artifact_key or key].constructor.encode(*arguments)
        self._addresses[key] = (
            stand_in_for(self._chain, artifact, encoded, self._deploy)
            if can_freeze
            else self._deploy(artifact, encoded)
        )

    def _deploy(self, artifact: Artifact, arguments: bytes) -> str:
        return self._chain.deploy(artifact, arguments, OWNER)

    def _fill(self, key: str, values: Mapping[str, Any], where: str) -> tuple[Any, ...]:
        fixed: dict[str, Any] = {"owner": OWNER, **self._addresses}
        if "token" in self._addresses:
            fixed["quote_token"] = self._addresses["token"]
        return fill_inputs(inputs_of(self._artifacts[key].abi), fixed, values, where)

    def _add(self, key: str, function: str, fixed: Mapping[str, Any], values: Mapping[str, Any]) -> None:
        inputs = inputs_of(self._artifacts[key].abi, function)
        self.send(key, function, *fill_inputs(inputs, fixed, values, f"{key}.{function}"))


def deploy_protocol(
    chain: Chain,
    parameters: ProtocolParameters,
    book: AddressBook,
    reporters: Sequence[Sequence[int]],
    risk_model: str,
    custom_model: Path | None = None,
    contracts: Path | None = None,
    *,
    can_freeze_margins: bool = False,
    bounds_nothing: bool = False,
) -> Deployment:
    """Compile and deploy.

    Parameters
    ----------
    reporters
        [market] participants that may report its price.
    contracts
        Folder of contracts instead of the shipped ones.
    can_freeze_margins
        Put a stand-in before every margin formula that can hold its inputs.
    bounds_nothing
        Let the governor change any parameter by any amount, after its time-lock.
    """
    artifacts = compile_protocol(risk_model, custom_model, contracts)
    if bounds_nothing:
        artifacts[FORWARDER] = compile_contract(contracts_root() / FORWARDER_SOURCE)
    deployer = Deployer(
        chain,
        artifacts,
        compile_risk_models(contracts),
        can_freeze_margins=can_freeze_margins,
        bounds_nothing=bounds_nothing,
        formula=f"protocol.risk_model = {risk_model!r}" if custom_model is None else str(custom_model),
    )
    addresses = [[book.addresses[actor] for actor in group] for group in reporters]
    return deployer.deploy(parameters, addresses)


def deploy_formula(
    chain: Chain,
    artifact: Artifact,
    values: Mapping[str, Any],
    where: str,
    *,
    can_freeze_margins: bool = False,
) -> str:
    """Deploy a margin formula that no market has yet, from the protocol's own deployer; return its address.

    Parameters
    ----------
    values
        Its parameters by name.
    where
        Words for messages: ``risk model of ETH``.
    can_freeze_margins
        Put a stand-in before it that can hold its inputs.

    Raises
    ------
    InputError
        A parameter is missing, unknown or out of the formula's bounds.
    """
    inputs = inputs_of(artifact.abi)
    encoded = ContractAbi(artifact.abi).constructor.encode(
        *fill_inputs(inputs, {"owner": OWNER}, values, where)
    )

    def create(made: Artifact, arguments: bytes) -> str:
        return chain.deploy(made, arguments, OWNER)

    return stand_in_for(chain, artifact, encoded, create) if can_freeze_margins else create(artifact, encoded)
