"""Payments: the only door through which money moves."""
