"""Organizations, users, memberships, sessions and API keys: who may come in, and how far."""
