"""`python -m server` is `kinegraph`."""

import sys

from server.cli import main

sys.exit(main())
