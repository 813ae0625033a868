"""The assets themselves: what an organization owns."""
