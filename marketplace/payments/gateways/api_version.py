"""The version of Stripe's API that this program speaks; in a module of its own, so that knowing it costs no SDK."""

API_VERSION = "2026-10-28.endive"
"""Pinned: objects are read in the form of this version, whatever version the account's dashboard says."""
