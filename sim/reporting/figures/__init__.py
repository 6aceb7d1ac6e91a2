"""The house style of figures, and the kinds of figure that more than one command draws."""
