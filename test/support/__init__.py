"""Helpers shared by the tests: servers that send exact bytes, clients, proxies and programs."""
