"""Sharing: lending, renting and paying for use."""
