"""Pay per use: sessions, readings, bills, plans and credits."""
