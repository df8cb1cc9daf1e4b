"""What guards a call besides the circuit: limits, retries and learned time limits."""
