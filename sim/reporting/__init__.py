"""Reports: what a command found as data, and its renderings: page, terminal, forum post."""
