"""What a run means: cascade attribution, margin behaviour, solvency, and the summary of a run."""
