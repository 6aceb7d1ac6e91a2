"""The findings of whichever study it is."""

from __future__ import annotations

from sim.experiments.exploration.studies import FrontierStudy, OptimiseStudy, SensitivityStudy
from sim.reporting.findings.blocks import Findings
from sim.reporting.findings.exploration.frontier import frontier_findings
from sim.reporting.findings.exploration.optimise import optimise_findings
from sim.reporting.findings.exploration.sensitivity import sensitivity_findings


def study_findings(study: FrontierStudy | SensitivityStudy | OptimiseStudy) -> Findings:
    """Return what the report of a study says, as data."""
    if isinstance(study, FrontierStudy):
        return frontier_findings(study)
    return sensitivity_findings(study) if isinstance(study, SensitivityStudy) else optimise_findings(study)
