"""Reports: from a run's results folder to one self-contained HTML page and a terminal summary."""

from sim.reporting.report import write_report
from sim.reporting.terminal import summary_table

__all__ = ["summary_table", "write_report"]
