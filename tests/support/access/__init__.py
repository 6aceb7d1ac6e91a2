"""Who may call what: roles, the table, the world in which it is tried, and the page made of it."""
