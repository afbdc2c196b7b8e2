"""Internals of `Configuration`: validation, environment variables, hosts and logging."""
