"""Measures the program beside the limit of what the machine, the server and the driver can do."""
