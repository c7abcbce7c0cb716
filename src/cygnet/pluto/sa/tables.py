"""All transition tables together: what no row lets in is dropped."""

from cygnet.pluto.sa.aggressive_mode import AGGRESSIVE_MODE
from cygnet.pluto.sa.informational import INFORMATIONAL
from cygnet.pluto.sa.main_mode import MAIN_MODE
from cygnet.pluto.sa.quick_mode import QUICK_MODE
from cygnet.pluto.sa.transaction import TRANSACTION
from cygnet.pluto.sa.transitions import Table

TABLES: Table = (*MAIN_MODE, *AGGRESSIVE_MODE, *QUICK_MODE, *INFORMATIONAL, *TRANSACTION)
