"""The impact laws that ship, one file each."""
