"""Every parameter of the contracts, declared once: by struct and field, as the contracts name them.

``structs`` holds one file for each struct. What scenarios allow, what the governor lets a parameter become,
what the contracts are deployed with and the tables of ``docs/`` are all read off it.
"""
