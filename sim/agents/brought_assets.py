"""Collateral that accounts bring in another asset than the quote coin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.core.documents.sections import Section, number, text

if TYPE_CHECKING:
    from sim.agents.kind import Setting


class BroughtSection(Section):
    """Part of each account's collateral that it brings in another asset, which counts after a haircut."""

    asset: str = text(..., "Name of the asset, of `collaterals`.", max_length=12)
    share: float = number(
        0.8, 0.0, 0.99, "1", "Part of its collateral, at the asset's price of block 0; fees take quote.",
        source="assumption: nearly all, the dangerous case", above=True,
    )  # fmt: skip

    def describe(self) -> str:
        """Return a phrase for reports."""
        return f"{self.share:.0%} of the collateral in {self.asset}"


def brought_by(section: BroughtSection | None, setting: Setting) -> tuple[tuple[int, float], ...]:
    """Return id and share of what an account brings; nothing of one that has all in the quote coin."""
    return () if section is None else ((setting.asset_names.index(section.asset), section.share),)
