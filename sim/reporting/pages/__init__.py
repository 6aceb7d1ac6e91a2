"""Renderings of findings: the page, the terminal, the forum post; and what remakes them from a folder."""
