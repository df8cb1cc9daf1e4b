"""The rules of a breaker: pure and synchronous, without I/O, timers or a clock of its own."""
