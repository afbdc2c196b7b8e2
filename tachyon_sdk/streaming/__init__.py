"""From bytes to events, to chunks, to one response. No I/O but in `stream`, which reads."""
