"""Evaluation of a margin model by the standards of central clearing (quant 3): functions of arrays alone."""
