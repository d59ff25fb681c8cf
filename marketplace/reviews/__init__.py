"""What the two parties of a finished agreement write about each other and about the thing: unseen until both wrote."""
