"""What the tests share: servers that send exact bytes, and the bytes they send."""
