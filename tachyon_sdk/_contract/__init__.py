"""What the generated code stands on: the base of the models, the first choice, the operations."""
