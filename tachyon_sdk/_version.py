"""The version of the package, and nothing else, so that it can be read without importing the package."""

__version__ = "1.0.0"
