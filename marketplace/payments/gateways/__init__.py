"""Implementations of the payment gateway protocol."""
