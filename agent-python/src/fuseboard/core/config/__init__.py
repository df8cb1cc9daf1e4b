"""A policy as a circuit decides by it."""
