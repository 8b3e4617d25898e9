"""What parts of a training hand to each other."""
