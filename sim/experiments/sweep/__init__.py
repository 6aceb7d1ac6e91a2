"""Many paths at many points: experiment files, the ledger, workers, the dataset. Nothing is imported here."""
