"""Makes errors from responses: what a body and its headers say, and which error that is."""
