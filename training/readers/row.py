"""What every source gives."""

from typing import Any

Row = dict[str, Any]
