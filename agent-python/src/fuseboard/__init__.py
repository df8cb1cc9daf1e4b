"""Circuit breakers whose policies come from the cluster."""
