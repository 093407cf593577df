"""The clock as something that is handed in: rules and use cases never read the wall clock themselves."""

from collections.abc import Callable
from datetime import datetime
from typing import TypeAlias

Clock: TypeAlias = Callable[[], datetime]  # aware, in UTC
