"""Items: what is shared, its units and prices on cards, and where it roughly is."""
