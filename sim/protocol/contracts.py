"""Which contracts the protocol consists of and where their sources are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sim.chain.abi import ContractAbi, canonical_type
from sim.chain.compile import Artifact, compile_contract, contracts_root
from sim.core.errors import InputError
from sim.protocol.parameters.table import models

SOURCES: Mapping[str, str] = {
    "token": "testing/ERC20Mock.vy",
    "price_oracle": "PriceOracle.vy",
    "ledger": "Ledger.vy",
    "liquidity_pool": "LiquidityPool.vy",
    "insurance_fund": "InsuranceFund.vy",
    "volatility_oracle": "VolatilityOracle.vy",
    "market_registry": "MarketRegistry.vy",
    "collateral_registry": "CollateralRegistry.vy",
    "spot_pool": "SpotPool.vy",
    "risk_engine": "RiskEngine.vy",
    "portfolio_risk_model": "PortfolioRiskModel.vy",
    "deleverage_policy": "deleverage_policies/QueuePolicy.vy",
    "loss_waterfall": "LossWaterfall.vy",
    "liquidation_engine": "LiquidationEngine.vy",
    "trading_desk": "TradingDesk.vy",
    "lens": "Lens.vy",
    "risk_governor": "RiskGovernor.vy",
}
"""Contract key -> source file below the contracts folder, in deployment order; a spot pool for each asset."""

COPIES: Mapping[str, str] = {"collateral_oracle": "price_oracle", "collateral_token": "token"}
"""Key of a contract of the collateral -> key of the one it is another copy of."""


def contract_of(key: str) -> str:
    """Return the contract key of an address: the part before a number, of a copy that of what it copies."""
    name = key.partition(":")[0]
    return COPIES.get(name, name)


RISK_MODELS: Mapping[str, str] = {
    name: struct.model.source for name, struct in models().items() if struct.model is not None
}
"""Name in a scenario -> source file of the risk models that ship."""

RISK_MODEL_VIEWS = ("margin_ratios", "collateral_haircut")
"""What a designer's own model must answer."""


def compile_protocol(
    risk_model: str, custom_model: Path | None = None, root: Path | None = None
) -> dict[str, Artifact]:
    """Compile every contract, the risk model under the key ``risk_model``.

    Parameters
    ----------
    risk_model
        A name of ``RISK_MODELS``; ignored with ``custom_model``.
    custom_model
        A designer's own ``.vy`` file.
    root
        Folder of contracts instead of the shipped ones, laid out alike.

    Raises
    ------
    InputError
        A source does not compile, or the custom model misses a view of ``IRiskModel``.
    """
    root = contracts_root() if root is None else root
    artifacts = {key: compile_contract(root / source, search_root=root) for key, source in SOURCES.items()}
    path = custom_model if custom_model is not None else root / RISK_MODELS[risk_model]
    artifacts["risk_model"] = compile_contract(path, search_root=root)
    if custom_model is not None:
        _require_views(custom_model, artifacts["risk_model"], root)
    return artifacts


def _require_views(path: Path, model: Artifact, root: Path) -> None:
    """Refuse a model without the views of ``IRiskModel``: on chain it would revert without a reason."""
    shipped = views(compile_contract(root / RISK_MODELS["static"], search_root=root))
    found = views(model)
    problems = [
        f"{path}: {name} is missing" if name not in found else f"{path}: {name} is {found[name]}, not {view}"
        for name, view in ((name, shipped[name]) for name in RISK_MODEL_VIEWS)
        if found.get(name) != view
    ]
    if problems:
        raise InputError([f"{problem} (contracts/interfaces/IRiskModel.vyi)" for problem in problems])


def views(artifact: Artifact) -> dict[str, str]:
    """Return the signature of each view of a contract by its name."""
    return {
        entry["name"]: f"({_types(entry['inputs'])}) -> ({_types(entry['outputs'])}), view"
        for entry in artifact.abi
        if entry.get("type") == "function" and entry.get("stateMutability") in {"view", "pure"}
    }


def _types(parameters: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(canonical_type(parameter) for parameter in parameters)


def compile_risk_models(root: Path | None = None) -> dict[str, Artifact]:
    """Compile the risk models that ship, by name in a scenario.

    Parameters
    ----------
    root
        Folder of contracts instead of the shipped ones, laid out alike.
    """
    root = contracts_root() if root is None else root
    return {kind: compile_contract(root / source, search_root=root) for kind, source in RISK_MODELS.items()}


def load_abis(artifacts: Mapping[str, Artifact]) -> dict[str, ContractAbi]:
    """Return the ABI of every artifact by contract key."""
    return {key: ContractAbi(artifact.abi) for key, artifact in artifacts.items()}
