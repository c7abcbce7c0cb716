"""``python -m cygnet.ipsec``."""

import sys

from cygnet.ipsec.main import main

sys.exit(main())
