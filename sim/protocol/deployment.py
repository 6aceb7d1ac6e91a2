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
from sim.protocol.account_ids import own_account
from sim.protocol.address_book import AddressBook
from sim.protocol.codes import Refusal
from sim.protocol.contracts import compile_protocol, compile_risk_models, contract_of, load_abis
from sim.protocol.deployed import OWNER, Deployment
from sim.protocol.first_answer import why_no_first_answer
from sim.protocol.formulas import FORMULA_GAS
from sim.protocol.frozen_margins import stand_in_for
from sim.protocol.governance.setup import FORWARDER, Hands, hand_over
from sim.protocol.parameters.values import AssetParameters, MarketParameters, ProtocolParameters
from sim.protocol.parameters.words import fill_inputs, inputs_of
from sim.reference import estimator_math
from sim.reference.portfolio_math import PAIRS

TOKEN_DECIMALS = 6
FORWARDER_SOURCE = "testing/ForwardingRiskModel.vy"
WALLET_BATCH = 512
"""Most accounts one ``mint_many`` takes (bound of the mock token)."""
UNLIMITED_ALLOWANCE = 2**256 - 1
NOBODY = "0x" + "00" * 20
LEAST_VARIANCE = estimator_math.MIN_VARIANCE
"""Least variance that ranges may start from (WAD)."""
MAX_REPORTERS = 7
"""Reporters of a market that the oracle holds (``MAX_REPORTERS`` on chain)."""
REPORTER_WEIGHT = 1
"""The same for every reporter: the index is a weighted median, so that a common weight changes nothing."""
DRAWER = True
"""Status of a contract that may draw on the insurance fund."""
OPERATOR = True
"""Status of a contract that may change accounts."""
OPERATORS = ("trading_desk", "liquidation_engine", "loss_waterfall", "collateral_registry")
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

    def deploy(
        self,
        parameters: ProtocolParameters,
        reporters: Sequence[Sequence[str]],
        asset_reporters: Sequence[Sequence[str]] = (),
        implied_reporters: Sequence[str] | None = None,
        clusters: Sequence[Sequence[str]] = (),
    ) -> Deployment:
        """Deploy every contract, wire it and hand it over to the governor.

        Parameters
        ----------
        parameters
            Of all contracts.
        reporters
            [market] addresses that may report its price.
        asset_reporters
            [asset of the collateral registry] likewise.
        implied_reporters
            [market] address that may report its implied variance, zero for nobody; by default the first of
            those who report its price.
        clusters
            Owners whose own accounts are declared to be of one hand.

        Raises
        ------
        InputError
            A parameter is missing, unknown or out of the contracts' bounds.
        """
        self._create("token", ("USD Coin", "USDC", TOKEN_DECIMALS))
        self._create("price_oracle", self._fill("price_oracle", parameters.oracle, "oracle"))
        self._create("ledger", self._fill("ledger", {}, "ledger"))
        self._create("collateral_registry", self._fill("collateral_registry", {}, "collateral"))
        self._create("liquidity_pool", self._fill("liquidity_pool", parameters.pool, "pool"))
        self._create("insurance_fund", self._fill("insurance_fund", parameters.fund, "insurance_fund"))
        self._create("volatility_oracle", self._fill("volatility_oracle", {}, "volatility oracle"))
        # Who may change everything at once may choose an estimator where there was none.
        estimators = self._bounds_nothing or any(market.has_estimator for market in parameters.markets)
        asked = {} if estimators else {"volatility_oracle": NOBODY}
        self._create("market_registry", self._fill("market_registry", parameters.registry, "margin", **asked))
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
            # Whoever is first among those who report a price reports what options imply, unless others do.
            speaks = implied_reporters[market_id] if implied_reporters else reporters[market_id][0]
            given = {
                "initial_variance": max(to_wad(market.initial_variance_slow), LEAST_VARIANCE),
                "implied_reporter": speaks,
            }
            self._add("volatility_oracle", "add_market", given, {})
            if market.has_estimator:
                self._add("volatility_oracle", "set_estimator", {"market": market_id}, market.estimator)
            self._add("volatility_oracle", "set_performance", {"market": market_id}, market.performance)
            self._add("liquidity_pool", "add_market", {}, market.pricing_terms)
            self._list(market_id, market)
        self._list_assets(parameters, asset_reporters)
        for cluster, owners in enumerate(clusters, start=1):
            for owner in owners:
                self.send("risk_engine", "set_cluster", own_account(owner), cluster)
        self._add("volatility_oracle", "set_correlation", {}, parameters.correlation)
        if parameters.portfolio is not None:
            pairs = [to_wad(value) for value in parameters.correlations] or [0] * PAIRS
            self._create(
                "portfolio_risk_model",
                self._fill(
                    "portfolio_risk_model",
                    parameters.portfolio,
                    "portfolio",
                    correlations=pairs,
                    **({} if parameters.estimates_correlations else {"volatility_oracle": NOBODY}),
                ),
            )
            self.send("risk_engine", "set_portfolio_model", get["portfolio_risk_model"])
        hands = Hands(owner=OWNER, create=self._deploy, send=self.send)
        hand_over(
            hands,
            get,
            self._abis,
            self._artifacts,
            self._models,
            len(parameters.markets),
            assets=len(parameters.assets),
            bounds_nothing=self._bounds_nothing,
        )
        return Deployment(
            addresses=self._addresses,
            abis=self._abis,
            artifacts=self._artifacts,
            markets=len(parameters.markets),
            assets=len(parameters.assets),
        )

    def _list_assets(self, parameters: ProtocolParameters, reporters: Sequence[Sequence[str]]) -> None:
        """List other collateral, with an oracle of its own: the ids of the price oracle are the markets'."""
        if not parameters.assets:
            return
        oracle = self._fill("price_oracle", parameters.oracle, "oracle")
        self._create("collateral_oracle", oracle, "price_oracle")
        for asset_id, asset in enumerate(parameters.assets):
            token, pool = f"collateral_token:{asset_id}", f"spot_pool:{asset_id}"
            self._create(token, (asset.name, asset.name[:16], asset.decimals), "token")
            fee = {"fee_rate": asset.pool_fee_rate}
            filled = self._fill("spot_pool", fee, pool, asset=self._addresses[token])
            self._create(pool, filled, "spot_pool")
            prices = (asset.initial_price, asset.initial_variance_fast, asset.initial_variance_slow)
            self.send("collateral_oracle", "add_asset", *map(to_wad, prices))
            for reporter in reporters[asset_id]:
                place = {"asset": asset_id, "reporter": reporter, "weight": REPORTER_WEIGHT}
                self._add("collateral_oracle", "add_reporter", place, parameters.reporter)
            listed = {
                "token": self._addresses[token],
                "oracle": self._addresses["collateral_oracle"],
                "oracle_id": asset_id,
                "spot_pool": self._addresses[pool],
            }
            self._add("collateral_registry", "add_asset", listed, asset.terms)
            self._fill_pool(asset_id, asset)

    def _fill_pool(self, asset_id: int, asset: AssetParameters) -> None:
        """Give an asset's pool what it starts with, while the deployer still owns it."""
        amounts = asset.units(asset.pool_depth), asset.pool_quote_units
        if not all(amounts):
            return
        pool = f"spot_pool:{asset_id}"
        for key, amount in zip((f"collateral_token:{asset_id}", "token"), amounts, strict=True):
            self.send(key, "mint", OWNER, amount)
            self.send(key, "approve", self._addresses[pool], amount)
        self.send(pool, "add_liquidity", *amounts)

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
        data = self._abis[contract_of(key)][function].encode(*arguments)
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

    def _fill(self, key: str, values: Mapping[str, Any], where: str, **known: Any) -> tuple[Any, ...]:
        fixed: dict[str, Any] = {"owner": OWNER, **self._addresses, **known}
        if "token" in self._addresses:
            fixed["quote_token"] = self._addresses["token"]
        return fill_inputs(inputs_of(self._artifacts[key].abi), fixed, values, where)

    def _add(self, key: str, function: str, fixed: Mapping[str, Any], values: Mapping[str, Any]) -> None:
        inputs = inputs_of(self._artifacts[contract_of(key)].abi, function)
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
    asset_reporters: Sequence[Sequence[int]] = (),
    clusters: Sequence[Sequence[int]] = (),
    can_freeze_margins: bool = False,
    bounds_nothing: bool = False,
    implied_reporters: Sequence[int | None] | None = None,
) -> Deployment:
    """Compile and deploy.

    Parameters
    ----------
    reporters
        [market] participants that may report its price.
    implied_reporters
        [market] participant that may report its implied variance, None for nobody; by default the first
        of those who report its price.
    contracts
        Folder of contracts instead of the shipped ones.
    asset_reporters
        [asset of the collateral registry] participants that may report its price.
    clusters
        Participants whose accounts are declared to be of one hand.
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
    addresses, of_assets, linked = (
        [[book.addresses[actor] for actor in group] for group in groups]
        for groups in (reporters, asset_reporters, clusters)
    )
    speak = None
    if implied_reporters is not None:
        speak = [NOBODY if actor is None else book.addresses[actor] for actor in implied_reporters]
    return deployer.deploy(parameters, addresses, of_assets, speak, clusters=linked)


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
