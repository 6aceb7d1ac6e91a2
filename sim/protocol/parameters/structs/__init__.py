"""Parameters of the contracts, one file for each struct."""
