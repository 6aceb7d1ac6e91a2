"""The shocks that ship, one file each."""
