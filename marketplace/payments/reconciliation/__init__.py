"""The nightly comparison of our books with the provider's balance, entry by entry."""
