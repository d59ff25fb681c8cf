"""Loans: borrowing and renting by period, hand-over, claims, deposits, cancellation."""
