"""How the source of a designer's formula begins: pragmas, and the structs that the interface states."""

from __future__ import annotations

import re
from pathlib import Path

_INTERFACE = Path(__file__).resolve().parents[2] / "contracts" / "interfaces" / "IRiskModel.vyi"


def _structs() -> str:
    found = re.findall(r"^struct \w+:\n(?:    .+\n)+", _INTERFACE.read_text(), re.MULTILINE)
    if len(found) != 2:
        raise LookupError(f"{_INTERFACE.name}: {len(found)} structs, not RiskInputs and MarginRatios")
    return "\n".join(found)


FORMULA_HEAD = f"# pragma version 0.4.3\n# pragma nonreentrancy on\n\n{_structs()}"
"""Of a source that stands alone, without an import."""

SETTABLE_FORMULA = f"""{FORMULA_HEAD}
initial: uint256
maintenance: uint256
of_size: uint256
of_open_interest: uint256
@external
def set(initial: uint256, maintenance: uint256, of_size: uint256, of_open_interest: uint256):
    self.initial = initial
    self.maintenance = maintenance
    self.of_size = of_size
    self.of_open_interest = of_open_interest
@view
@external
def margin_ratios(inputs: RiskInputs) -> MarginRatios:
    more: uint256 = inputs.open_interest * self.of_open_interest // 10**18
    if inputs.depth != 0:
        more += inputs.notional * self.of_size // inputs.depth
    return MarginRatios(initial=self.initial + more, maintenance=self.maintenance + more)
@view
@external
def collateral_haircut() -> uint256:
    return 0
"""
"""A designer's formula, both of whose ratios rise with size in depth and with open interest."""
