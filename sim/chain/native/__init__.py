"""Our own EVM: an interpreter in C, loaded as a library; no compiler and no version of Python matters."""
