"""Creates exceptions from responses: reads the error in a body and its headers, and selects the class."""
