"""Webhooks to other systems: who hears of what, signed messages, and their delivery (`docs/webhooks.md`)."""
