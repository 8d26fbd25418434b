"""Metrics of an incident drawn as a PNG. Which metrics, and where it is kept, do not belong here.

Drawn on matplotlib's own canvas without `pyplot`: no window, no state that two threads could share.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from namecard_release.domain.measures import UNITS, Measure, Series
from namecard_release.domain.snapshot import Mark, Snapshot

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PANELS = (
    (Measure.ERRORS,),
    (Measure.LATENCY,),
    (Measure.API_LATENCY,),
    (Measure.DLQ_DEPTH,),
    (Measure.DB_CONNECTIONS, Measure.PROXY_CONNECTIONS),
)
_COLOURS = {"deploy": "tab:green", "alarm": "tab:red"}
_MOST_NAMES = 8


def draw(snapshot: Snapshot) -> bytes:
    """Draw a snapshot: one panel for each measure of the runbook's dashboard, deploy and alarm as lines through all.

    A series that was not read is named as such, never drawn as zero; so is one that CloudWatch has no points of.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 2.1 * len(PANELS)), layout="constrained")
    FigureCanvasAgg(figure)
    panels: Sequence[Axes] = figure.subplots(len(PANELS), 1, sharex=True, squeeze=True)
    for axes, measures in zip(panels, PANELS, strict=True):
        _draw_panel(axes, measures, snapshot)
    panels[-1].set_xlim(snapshot.since, snapshot.until)  # type: ignore[arg-type]
    _name_times(panels[-1])
    figure.suptitle(_plain(f"{snapshot.title}, {snapshot.since:%Y-%m-%d %H:%M} to {snapshot.until:%H:%M} UTC"))
    made = io.BytesIO()
    # Without the date and the version the same snapshot is the same file.
    figure.savefig(made, format="png", dpi=100, metadata={"Software": None})
    return made.getvalue()


def describe_panel(measures: Sequence[Measure], series: Sequence[Series]) -> tuple[str, ...]:
    """Say what a panel does not show: series that were not read, or that have no points."""
    own = [one for one in series if one.measure in measures]
    if not own:
        return ("not read: nothing of the stacks has this metric",)
    unread = [one for one in own if one.unread]
    reasons = sorted({one.unread for one in unread})
    told = [f"not read: {', '.join(one.of for one in unread)} ({'; '.join(reasons)})"] if unread else []
    empty = [one.of for one in own if not one.points and not one.unread]
    return (*told, *([f"no data: {', '.join(empty)}"] if empty else []))


def _draw_mark(axes: Axes, mark: Mark, snapshot: Snapshot, height: float) -> None:
    """Mark a moment; its word is inside of the picture, and each mark's at a height of its own."""
    colour = _COLOURS.get(mark.label, "tab:gray")
    side = "right" if mark.at - snapshot.since > snapshot.until - mark.at else "left"
    axes.axvline(mark.at, color=colour, linestyle="--", linewidth=1.2)  # type: ignore[arg-type]
    over = axes.get_xaxis_transform()
    axes.text(mark.at, height, f" {mark.label} ", transform=over, fontsize=7, color=colour, ha=side)  # type: ignore[arg-type]


def _draw_panel(axes: Axes, measures: Sequence[Measure], snapshot: Snapshot) -> None:
    for one in snapshot.series:
        if one.measure in measures and one.points:
            moments, values = zip(*one.points, strict=True)
            axes.plot(moments, values, marker=".", linewidth=1, label=_plain(one.of))
    shown = [mark for mark in snapshot.marks if snapshot.since <= mark.at <= snapshot.until]
    for number, mark in enumerate(shown):
        _draw_mark(axes, mark, snapshot, 0.05 + 0.14 * number)
    axes.set_title(" / ".join(measures), fontsize=9, loc="left")
    axes.set_ylabel(UNITS[measures[0]], fontsize=7)
    axes.tick_params(labelsize=7)
    axes.set_ylim(bottom=0)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=6, loc="upper left", ncols=_MOST_NAMES)
    else:
        # A scale without a line would look like a line at zero.
        axes.set_yticks([])
    notes = _plain("\n".join(describe_panel(measures, snapshot.series)))
    axes.set_title(notes, fontsize=7, loc="right", color="tab:orange")


def _name_times(axes: Axes) -> None:
    from datetime import UTC

    from matplotlib.dates import AutoDateLocator, DateFormatter

    axes.xaxis.set_major_locator(AutoDateLocator(tz=UTC))  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_formatter(DateFormatter("%H:%M", tz=UTC))  # type: ignore[no-untyped-call]


def _plain(text: str) -> str:
    # A dollar sign would begin a formula.
    return text.replace("$", r"\$")
