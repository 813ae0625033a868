"""Who has things: persons, whether or not they may sign in."""
