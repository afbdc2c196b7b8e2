"""`python -m tachyon_sdk`."""

import sys

from tachyon_sdk.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
