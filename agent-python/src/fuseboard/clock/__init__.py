"""The clocks of a process."""
