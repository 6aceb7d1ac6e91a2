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
