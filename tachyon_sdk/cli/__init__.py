"""The command line, `tachyon` and `python -m tachyon_sdk`."""
