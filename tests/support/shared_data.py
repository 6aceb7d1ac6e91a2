"""Where real data lies beside the checkout, and the skip for machines that do not have it."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[3] / "shared"
PRICES = SHARED / "data" / "prices"
CASES = SHARED / "cases" / "files"

ETH_JANUARY_2021 = PRICES / "eth_usdt_1min_2021-01-10_12.csv.gz"
BTC_MARCH_2020 = PRICES / "btc_usd_1h_2020-03-08_18.csv"
BTC_FOUR_YEARS = PRICES / "btc_usd_1h_2018-05_2022-03.csv.gz"


def require_case(name: str) -> Path:
    """Return a small file that was once treated wrongly, or skip the test when it is absent."""
    return require(CASES / name)


def require(path: Path) -> Path:
    """Return `path`, or skip the test with the reason when it is absent."""
    if not path.is_file():
        pytest.skip(f"the file {path.name} is not on this machine (looked in {path.parent})")
    return path
