"""Users: one account per member, for every role."""
