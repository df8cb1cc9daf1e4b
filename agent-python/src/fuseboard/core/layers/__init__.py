"""The layers around the circuit of a call: limits, retries and learned time limits."""
