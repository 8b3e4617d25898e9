"""What a trained network does, measured."""
