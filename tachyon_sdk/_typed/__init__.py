"""Support for the user's own types: JSON Schemas of functions and models, and validation errors as text."""
