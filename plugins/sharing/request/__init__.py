"""Requests: who needs something asks the neighbours."""
