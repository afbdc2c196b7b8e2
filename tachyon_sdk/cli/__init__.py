"""The command, `python -m tachyon_sdk`."""
