"""Pools: things of many owners, open to whoever has the monthly pass; the money is divided by use."""
