"""Webhooks: what happened here, told to other systems, signed, in order and until they have it."""
