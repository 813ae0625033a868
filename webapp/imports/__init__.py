"""Imports: files on their way into a resource, looked at row by row before anything is written."""
