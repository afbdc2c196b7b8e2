"""Base classes and helpers of the generated code: models, the first choice of a response, operations."""
