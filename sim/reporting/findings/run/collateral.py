"""What became of collateral in other assets than the quote coin."""

from __future__ import annotations

from sim.reporting.findings.blocks import Part
from sim.reporting.formatting import is_missing, money, percent, plural
from sim.reporting.run_folder import RunFolder


def collateral_words(run: RunFolder) -> list[Part]:
    """Return sentences on assets, their fall and their sale; nothing of a run without any."""
    assets = [one for one in run.scenario.get("collaterals") or () if isinstance(one, dict)]
    if not assets:
        return []
    fall, sales = run.summary.get("collateral_drawdown"), run.summary.get("collateral_sales")
    names = ", ".join(
        f"{one.get('name')} (a haircut of {percent(one.get('haircut_min'))} at least, "
        f"{money(one.get('pool_depth'))} in its pool)"
        for one in assets
    )
    one_asset = len(assets) == 1
    words = f"Accounts may have {names} as collateral, which counts after the haircut."
    if not is_missing(fall):
        words += f" {'It' if one_asset else 'The worst of them'} fell by {percent(fall)} from its peak."
    if not isinstance(sales, int | float) or is_missing(sales):
        return [words]
    if not sales:
        return [f"{words} None of it was sold by force."]
    raised = money(run.summary.get("collateral_sold"))
    words += f" {plural(int(sales), 'forced sale')} raised {raised} from accounts that owed quote"
    return [f"{words}, before fund, winners and pool paid."]
