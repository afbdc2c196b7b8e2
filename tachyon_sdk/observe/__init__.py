"""Hooks that count and record calls. Each module is loaded only when it is used."""
