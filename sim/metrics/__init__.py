"""What a run means: matching of worlds, margin behaviour, solvency, and the summary of a run."""
