"""Buying a thing that is lent or rented: one price, less the rent that counts, and it is never lent again."""
