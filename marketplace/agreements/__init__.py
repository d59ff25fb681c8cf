"""Agreements: what two parties agreed on a listing, with frozen terms and an append-only history."""
