"""Background work: written in the transaction that causes it, done afterwards by workers."""
