"""The ledger: where every cent is, as transfers between accounts that the database itself keeps balanced."""
