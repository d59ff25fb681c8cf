"""Listings: what members offer or ask for in public."""
