"""Exports: lists as files, once or again and again, by mail."""
