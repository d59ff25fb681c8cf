"""Search: text and distance behind one interface on both databases."""
