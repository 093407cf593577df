"""Small plots, drawn here: one path of SVG, which a style sheet colours."""

from collections.abc import Sequence
from typing import Final

from markupsafe import Markup

HEIGHT: Final = 20


def sparkline(values: Sequence[int]) -> Markup:
    """Draw a bar for each value, the highest as high as the plot; nothing for nothing."""
    highest = max(values, default=0)
    bars = "".join(
        f"M{place + 0.5} {HEIGHT}V{HEIGHT - max(1.0, HEIGHT * value / highest):.1f}"
        for place, value in enumerate(values)
        if value
    )
    return Markup(
        '<svg class="plot" viewBox="0 0 {} {}" preserveAspectRatio="none" aria-hidden="true"><path d="{}"/></svg>'
    ).format(max(1, len(values)), HEIGHT, bars)
