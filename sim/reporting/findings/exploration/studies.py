"""The findings of whichever study it is."""

from __future__ import annotations

from pathlib import Path

from sim.experiments.exploration.studies import FrontierStudy, OptimiseStudy, SensitivityStudy
from sim.reporting.findings.blocks import Findings
from sim.reporting.findings.exploration.frontier import frontier_findings
from sim.reporting.findings.exploration.optimise import optimise_findings
from sim.reporting.findings.exploration.sensitivity import sensitivity_findings


def study_findings(study: FrontierStudy | SensitivityStudy | OptimiseStudy, folder: Path) -> Findings:
    """Return what the report of a study says, as data; `folder` is that of its results."""
    if isinstance(study, FrontierStudy):
        return frontier_findings(study, folder)
    if isinstance(study, SensitivityStudy):
        return sensitivity_findings(study, folder)
    return optimise_findings(study, folder)
