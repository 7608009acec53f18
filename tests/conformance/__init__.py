"""Laws that every discovery backend keeps, or says why it cannot.

`laws.py` has them; a backend joins with one subclass of `world.World`, listed in `table.py`, which writes the
table of docs/discovery.md.
"""
