"""What happens around a call: time limits, retries, limits of concurrency and fallbacks."""
