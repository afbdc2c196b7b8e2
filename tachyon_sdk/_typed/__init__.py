"""Types of the program: the schema of a function's arguments and of a model, and their faults."""
