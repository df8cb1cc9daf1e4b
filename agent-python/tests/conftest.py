"""The plugin's fixtures, whether the package is installed or not."""

from fuseboard.testing.plugin import fresh_breakers, fuseboard_clock

__all__ = ["fresh_breakers", "fuseboard_clock"]
