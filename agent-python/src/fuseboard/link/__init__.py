"""The link to the operator: the only I/O of the package, in two daemon threads, away from every call."""
