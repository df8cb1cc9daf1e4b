"""Breakers by name and key, and the policies and overrides that govern them."""
