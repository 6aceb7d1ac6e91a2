"""What commands found, as data: the model, and for each command what fills it."""
