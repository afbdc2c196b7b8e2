"""How much this package costs over what it is made of, and beside its peers; see docs/Performance.md."""
