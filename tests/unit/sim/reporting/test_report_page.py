import io
import json
import re
import shutil

import pandas as pd
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from sim.core.errors import InputError
from sim.reporting.findings.run import run_findings
from sim.reporting.findings.run.crosscheck import cross_checks
from sim.reporting.pages.remake import publish, remake
from sim.reporting.pages.terminal import print_findings
from sim.reporting.run_folder import load_run
from tests.support.page_reader import read_page
from tests.support.sealed import edit_sealed, seal, write_conforming

MEBIBYTES_ALLOWED = 6_000_000
HOSTILE = "</script><script>window.hacked=1</script><img src=x onerror=alert(1)>{{ 7*7 }} & \u2028"


@pytest.fixture
def copy(crash_run, tmp_path):
    """A copy of the crash run that a test may damage."""
    return shutil.copytree(crash_run, tmp_path / "run")


def test_report_is_self_contained_and_well_formed(crash_run):
    page = read_page(crash_run / "report.html")
    assert page.references == []
    assert page.problems == []
    assert len(page.ids) == len(set(page.ids))
    assert (crash_run / "report.html").stat().st_size < MEBIBYTES_ALLOWED
    policy = (crash_run / "report.html").read_text(encoding="utf-8")
    assert "default-src 'none'" in policy


def test_report_has_a_place_for_every_figure_and_plotly_once(crash_run):
    page = read_page(crash_run / "report.html")
    payload = json.loads(page.scripts[0])
    assert {f"figure-{key}" for key in payload["figures"]} <= set(page.ids)
    assert len(payload["figures"]) == 10
    assert sum("plotly.js v" in script for script in page.scripts) == 1
    for figure in payload["figures"].values():
        for trace in figure["traces"]:
            if "xdtype" in trace:
                assert 0 <= trace["x"]["shared"] < len(payload["arrays"])


def test_report_is_the_same_bytes_for_the_same_folder(crash_run, copy):
    (copy / "report.html").unlink()
    assert publish(run_findings(copy), copy).read_bytes() == (crash_run / "report.html").read_bytes()


def test_report_changes_with_a_number_of_the_run(crash_run, copy):
    edit_sealed(copy, "summary.json", lambda summary: summary.update(bad_debt=summary["bad_debt"] + 1_000.0))
    assert publish(run_findings(copy), copy).read_bytes() != (crash_run / "report.html").read_bytes()


def test_report_names_causes_assumptions_and_provenance(crash_run):
    text = " ".join(read_page(crash_run / "report.html").text)
    assert "forced selling added" in text
    assert "account 3" in text
    for words in ("told from chance", "not to be told from chance"):
        assert words in text
    assert "markets.impact.depth_per_percent" in text
    assert "5f" * 32 in text
    assert "protocol.risk_model=static" in text
    for unit in ("USDC", "gwei", "seconds", "UTC"):
        assert unit in text


def test_report_escapes_whatever_the_user_wrote(copy):
    def poison(manifest):
        manifest.update(title=HOSTILE, question=HOSTILE, overrides=[HOSTILE])
        manifest["scenario"].update(description=HOSTILE, markets=[{"name": HOSTILE}])
        manifest["shocks"][0].update(description=HOSTILE, label=HOSTILE, details=HOSTILE)
        manifest["outside_market"].append(HOSTILE)
        manifest["assumptions"].append({"parameter": HOSTILE, "value": HOSTILE, "source": HOSTILE})

    accounts = pd.read_parquet(copy / "accounts.parquet")
    accounts["group"] = HOSTILE
    write_conforming(accounts, copy, "accounts")
    edit_sealed(copy, "manifest.json", poison)
    page = read_page(publish(run_findings(copy), copy))
    assert page.problems == []
    assert page.references == []
    assert len(page.scripts) == 4, "no script of the user's became one of the page's"
    assert "window.hacked=1" not in "".join(page.scripts[1:])
    assert any("{{ 7*7 }}" in text for text in page.text), "shown as written, not evaluated"
    payload = json.loads(page.scripts[0])
    shown = json.dumps(payload["figures"]["parties"]["traces"][0]["y"])
    assert "<img" not in shown
    assert "&lt;img" in shown


@pytest.mark.parametrize("table", ["blocks", "transactions", "liquidations", "accounts", "observed"])
def test_report_without_one_of_its_tables_is_refused(copy, table):
    (copy / f"{table}.parquet").unlink()
    with pytest.raises(InputError, match=rf"{table}\.parquet: is missing"):
        publish(run_findings(copy), copy)


@pytest.mark.parametrize("table", ["blocks", "transactions", "liquidations", "accounts", "observed"])
def test_report_with_an_empty_table_is_still_written(copy, table):
    place = copy / f"{table}.parquet"
    pq.write_table(pq.read_table(place).slice(0, 0), place)
    seal(copy)
    assert read_page(publish(run_findings(copy), copy)).problems == []


def test_report_of_a_calm_run_is_written(make_run, tmp_path):
    folder = make_run(tmp_path / "calm", crash=0.0, blocks=120, accounts=40)
    text = " ".join(read_page(publish(run_findings(folder), folder)).text)
    assert "No bad debt" in text or "little was tested" in text


def test_report_of_two_markets_draws_both(copy):
    blocks = pd.read_parquet(copy / "blocks.parquet")
    second = blocks.assign(market=1, external_price=blocks["external_price"] * 7)
    write_conforming(pd.concat([blocks, second]), copy, "blocks")
    edit_sealed(copy, "manifest.json", lambda m: m["scenario"]["markets"].append({"name": "BTC-USD"}))
    page = read_page(publish(run_findings(copy), copy))
    assert {"figure-price-0", "figure-price-1", "figure-oracle-1"} <= set(page.ids)
    assert any("Price of BTC-USD" in text for text in page.text)


def test_report_of_a_long_run_stays_small(make_run, tmp_path):
    folder = make_run(tmp_path / "long", blocks=9_000, accounts=600)
    assert publish(run_findings(folder), folder).stat().st_size < MEBIBYTES_ALLOWED


@pytest.mark.parametrize("name", ["manifest.json", "summary.json"])
@pytest.mark.parametrize("content", [None, "{not json", "[1, 2]"])
def test_report_of_a_broken_folder_is_refused_with_the_file_named(copy, name, content):
    (copy / "report.html").unlink()
    (copy / name).unlink()
    if content is not None:
        (copy / name).write_text(content)
    with pytest.raises(InputError, match=name):
        publish(run_findings(copy), copy)
    assert not (copy / "report.html").exists()


def test_report_of_a_damaged_table_is_refused_with_the_file_named(copy):
    (copy / "blocks.parquet").write_bytes(b"PAR1 this is not a table")
    with pytest.raises(InputError, match=r"blocks\.parquet"):
        publish(run_findings(copy), copy)


def test_report_of_no_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        remake(tmp_path / "nothing")
    with pytest.raises(InputError, match="no such folder"):
        run_findings(tmp_path / "nothing")


def test_cross_checks_agree_on_an_honest_run_and_catch_a_changed_summary(crash_run, copy):
    honest = cross_checks(load_run(crash_run))
    assert len(honest) >= 7
    assert all(check.agrees for check in honest)
    edit_sealed(copy, "summary.json", lambda summary: summary.update(liquidated_notional=1.0))
    failed = [check.name for check in cross_checks(load_run(copy)) if not check.agrees]
    assert failed == ["Liquidated notional"]
    text = re.sub(r"\s+", " ", " ".join(read_page(publish(run_findings(copy), copy)).text))
    assert "NO" in text.split("Cross-checks")[2].split("Assumptions")[0]


def test_terminal_shows_every_key_with_its_unit_at_eighty_and_more_columns(crash_run):
    found = run_findings(crash_run)
    words = set()
    for width in (80, 120):
        console = Console(width=width, record=True, file=io.StringIO())
        print_findings(found, console)
        text = console.export_text()
        assert max(len(line.rstrip()) for line in text.splitlines()) <= width
        assert "…" not in text
        for label in ("Liquidated notional", "Insurance fund, lowest", "gwei"):
            assert label in text
        words |= {frozenset(text.split())}
    assert len(words) == 1, "no word is broken at either width"
