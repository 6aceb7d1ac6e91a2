#!/usr/bin/env python3
"""Draw the picture of the README from a run of Black Thursday: its report's price and fund figures.

A run folder may be named; without one the scenario is run. Chromium draws the report itself, so that
the picture shows what a reader of the report sees.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from sim.core.errors import InputError  # noqa: E402  (the project must be on the path first)
from sim.core.files import atomic_write_bytes  # noqa: E402
from sim.engine.options import RunOptions  # noqa: E402
from sim.engine.run import run_scenario  # noqa: E402
from sim.engine.scenario.load import load_scenario  # noqa: E402
from sim.reporting.findings.run import run_findings  # noqa: E402
from sim.reporting.pages.remake import publish  # noqa: E402

PICTURE = ROOT / "docs" / "images" / "black_thursday.png"
LARGEST_BYTES = 200_000
WIDTH, HEIGHT = 1_000, 1_030
FIGURES = ("figure-price-0", "figure-fund")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run",
    "--disable-component-update", "--disable-sync", "--hide-scrollbars", "--virtual-time-budget=8000",
)  # fmt: skip

KEEP = """
<script>
window.addEventListener("load", function () {
  const kept = [document.querySelector("h1")].concat(
    %s.map(function (id) { return document.getElementById(id); }));
  if (kept.includes(null)) { return; }
  document.body.replaceChildren.apply(document.body, kept);
  document.body.style.cssText = "max-width: none; margin: 0; padding: 24px 28px; background: white";
  window.dispatchEvent(new Event("resize"));
});
</script>
</body>"""


def draw(report: Path, picture: Path) -> None:
    """Photograph the two figures of a report.

    Raises
    ------
    InputError
        There is no browser, or what it drew is empty or too large.
    """
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        raise InputError(f"needs one of {', '.join(BROWSERS)}")
    page = report.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "page.html").write_text(
            page.replace("</body>", KEEP % str(list(FIGURES))), encoding="utf-8"
        )
        subprocess.run(
            [
                browser, *FLAGS, f"--user-data-dir={folder / 'profile'}", f"--window-size={WIDTH},{HEIGHT}",
                f"--screenshot={folder / 'picture.png'}", (folder / "page.html").as_uri(),
            ],
            check=True, capture_output=True, timeout=120,
        )  # fmt: skip
        drawn = (folder / "picture.png").read_bytes()
    if not 10_000 < len(drawn) < LARGEST_BYTES:
        raise InputError(f"{len(drawn)} bytes drawn: nothing, or too large for the repository")
    picture.parent.mkdir(parents=True, exist_ok=True)
    atomic_write_bytes(picture, drawn)


def main() -> int:
    """Run the scenario if no run is given, and write the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", nargs="?", type=Path, help="results folder of a run; a new run by default")
    given = parser.parse_args().run
    with tempfile.TemporaryDirectory() as name:
        folder = given
        if folder is None:
            scenario = load_scenario(ROOT / "scenarios" / "black_thursday.toml")
            folder = run_scenario(scenario, RunOptions(out=Path(name) / "run", worlds="none")).folder
        report = folder / "report.html"
        draw(report if report.is_file() else publish(run_findings(folder), folder), PICTURE)
    print(PICTURE.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except InputError as error:
        sys.exit(f"readme_picture: {error}")
