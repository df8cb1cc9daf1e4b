"""Breakers inside other libraries. Each module imports the one that it is named after; none is needed by the package."""
