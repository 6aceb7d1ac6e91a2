"""The price processes that ship, one file each."""
