"""Statistics of a margin model: intervals, coverage, expected shortfall, paired comparison, bootstrap."""
