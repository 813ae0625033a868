"""The machinery: it knows no feature, and every feature stands on it."""
