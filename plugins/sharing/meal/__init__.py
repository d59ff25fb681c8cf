"""Portions: meals that are ordered and fetched."""
