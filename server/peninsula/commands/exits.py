"""With which exit code does a command end?"""

from __future__ import annotations

from typing import Final

#: All is well; the answer is no (violations, findings); it could not be done; it was interrupted.
OK: Final = 0
NO: Final = 1
FAILED: Final = 2
INTERRUPTED: Final = 130
