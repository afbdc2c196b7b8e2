"""The command-line interface, `python -m tachyon_sdk`."""
