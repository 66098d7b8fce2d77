# SPDX-License-Identifier: Apache-2.0
"""A timeline as a page: one file of HTML with a drawing in it that needs nothing else."""

import dataclasses
import html
import string
from collections.abc import Iterable, Sequence

from stxlab import timeline
from stxlab.timeline import BAD, GOOD, Event, Lane, Mark, Span, Timeline

WIDTH = 1180
_LEFT, _RIGHT = 168, 14
_ROW, _BAR, _GAP = 19, 15, 9
_HEAD, _AXIS = 30, 34
_LETTER = 6.1
_LEAST_LETTERS = 3
_MARK = 14
_TICKS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600)
_MOST_TICKS = 14
_LEGEND = (
    (timeline.GOOD, "well: runs, answers, in service"),
    (timeline.BUSY, "on its way"),
    (timeline.WARN, "impaired: slow, lossy, degraded, hears not all"),
    (timeline.BAD, "silent, hangs, failed"),
    (timeline.IDLE, "off"),
    (timeline.NONE, "has no address"),
    (timeline.FAULT, "fault in force; ◆ done in a moment"),
)


@dataclasses.dataclass(frozen=True)
class About:
    """What the page says above the drawing."""

    title: str
    description: str
    date: str


def page(template: str, about: About, drawn: Timeline, events: Iterable[Event]) -> str:
    """:param template: HTML with the names of what goes into it, each after a dollar sign"""
    failed = sum(step.tone == BAD for step in drawn.steps)
    outcome = f"{failed} of {len(drawn.steps)} steps failed" if failed else f"all {len(drawn.steps)} steps passed"
    return string.Template(template).substitute(
        title=html.escape(about.title),
        description=html.escape(about.description),
        outcome=outcome,
        outcome_tone=BAD if failed else GOOD,
        facts=html.escape(f"{_time(drawn.end_s)} · {about.date}"),
        legend="".join(f'<li><i class="{tone}"></i>{html.escape(text)}</li>' for tone, text in _LEGEND),
        drawing=drawing(drawn),
        steps="".join(_step_row(number, step) for number, step in enumerate(drawn.steps, 1)),
        events="".join(_event_row(event) for event in sorted(events, key=lambda event: event.time_s)),
    )


def _step_row(number: int, step: Mark) -> str:
    result = {BAD: "failed", GOOD: "passed"}.get(step.tone, "done")
    return (
        f'<tr><td class="number">{number}</td><td class="time">{step.time_s:.1f} s</td>'
        f'<td class="result {step.tone}">{result}</td><td>{html.escape(step.what)}</td></tr>'
    )


def _event_row(event: Event) -> str:
    cells = (event.kind, event.host, event.network, event.what)
    return f'<tr><td class="time">{event.time_s:.3f} s</td>{"".join(f"<td>{html.escape(text)}</td>" for text in cells)}</tr>'


def drawing(drawn: Timeline) -> str:
    """The picture as SVG."""
    scale = _Scale(drawn.end_s)
    parts: list[str] = []
    top = _AXIS
    for track in drawn.tracks:
        parts.append(f'<line class="rule" x1="0" x2="{WIDTH}" y1="{top}" y2="{top}"/>')
        parts.append(_text(0, top + 20, track.name, "host"))
        top += _HEAD
        for lane in track.lanes:
            drawn_rows = [*_loose_rows(lane, scale), *([_bar(span, scale) for span in row] for row in lane.rows)]
            parts.append(_text(_LEFT - 12, top + 11.5, lane.name, "lane"))
            for row in drawn_rows:
                parts.append(f'<g transform="translate(0 {top})">{"".join(row)}</g>')
                top += _ROW
        top += _GAP
    height = top + 4
    below = [*_grid(scale, height), *(_step_line(number, step, scale, height) for number, step in enumerate(drawn.steps, 1))]
    above = _step_numbers(drawn.steps, scale)
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="What happened to each host over time">{_STRIPES}'
        f"{''.join(below)}{''.join(parts)}{''.join(above)}</svg>"
    )


_STRIPES = (
    '<defs><pattern id="stripes" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect class="stripe-back" width="7" height="7"/><rect class="stripe" width="3" height="7"/></pattern></defs>'
)


class _Scale:
    """From seconds to places."""

    def __init__(self, end_s: float) -> None:
        self.end_s = max(end_s, 0.1)

    def x(self, time_s: float) -> float:
        return _LEFT + (WIDTH - _LEFT - _RIGHT) * min(max(time_s, 0.0), self.end_s) / self.end_s

    def ticks(self) -> list[float]:
        step = next((step for step in _TICKS_S if self.end_s / step <= _MOST_TICKS), _TICKS_S[-1])
        return [step * number for number in range(int(self.end_s / step) + 1)]


def _grid(scale: _Scale, height: float) -> Iterable[str]:
    for tick in scale.ticks():
        x = scale.x(tick)
        yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{_AXIS - 6}" y2="{height}"/>'
        yield _text(x, 12, _time(tick), "tick")


def _time(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:g} s" if seconds == round(seconds, 1) else f"{seconds:.1f} s"
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d} min"


def _step_line(number: int, step: Mark, scale: _Scale, height: float) -> str:
    x = scale.x(step.time_s)
    return f'<line class="step" x1="{x:.1f}" x2="{x:.1f}" y1="{_AXIS - 6}" y2="{height}"/>'


def _step_numbers(steps: Sequence[Mark], scale: _Scale) -> Iterable[str]:
    """Numbers of steps; those that are at one place are told together."""
    places: list[tuple[float, list[int]]] = []
    for number, step in enumerate(steps, 1):
        x = scale.x(step.time_s)
        if places and x - places[-1][0] < _MARK + 2:
            places[-1][1].append(number)
        else:
            places.append((x, [number]))
    for x, numbers in places:
        text = str(numbers[0]) if len(numbers) == 1 else f"{numbers[0]}\N{EN DASH}{numbers[-1]}"
        tone = BAD if any(steps[number - 1].tone == BAD for number in numbers) else GOOD
        told = "\n".join(f"{number} {steps[number - 1].what} ({steps[number - 1].time_s:.1f} s)" for number in numbers)
        width = max(_MARK + 2, 8 + _LETTER * len(text))
        yield (
            f'<g class="badge {tone}"><title>{html.escape(told)}</title>'
            f'<rect x="{x - width / 2:.1f}" y="{_AXIS - 16}" width="{width:.1f}" height="15" rx="7.5"/>'
            f'<text x="{x:.1f}" y="{_AXIS - 5}">{text}</text></g>'
        )


def _bar(span: Span, scale: _Scale) -> str:
    x, width = scale.x(span.start_s), max(1.5, scale.x(span.end_s) - scale.x(span.start_s))
    told = f"{span.what}\n{span.start_s:.2f} s to {span.end_s:.2f} s ({span.end_s - span.start_s:.2f} s)"
    return (
        f'<g class="span {span.tone}"><title>{html.escape(told)}</title>'
        f'<rect x="{x:.1f}" y="0" width="{width:.1f}" height="{_BAR}" rx="{min(3.0, width / 2):.1f}"/>'
        f"{_inside(x, width, span.what)}</g>"
    )


def _inside(x: float, width: float, text: str) -> str:
    """A text within a bar, shortened when it is too long, left out when hardly any of it would be there."""
    letters = int((width - 8) / _LETTER)
    if letters < min(len(text), _LEAST_LETTERS + 1):
        return ""
    shown = text if len(text) <= letters else f"{text[: letters - 1]}…"
    return f'<text x="{x + 5:.1f}" y="11.2">{html.escape(shown)}</text>'


def _loose_rows(lane: Lane, scale: _Scale) -> list[list[str]]:
    """Spans and moments with their names, in as few rows as keep them apart."""
    rows: list[tuple[float, list[str]]] = []
    for item in lane.loose:
        left, right, made = _named_span(item, scale) if isinstance(item, Span) else _moment(item, scale)
        for index, (taken, row) in enumerate(rows):
            if taken <= left:
                rows[index] = (right, row)
                row.append(made)
                break
        else:
            rows.append((right, [made]))
    return [row for _, row in rows]


def _named_span(span: Span, scale: _Scale) -> tuple[float, float, str]:
    """A span whose name is told beside it when it does not fit inside."""
    x, end = scale.x(span.start_s), scale.x(span.end_s)
    made, length = _bar(span, scale), 8 + _LETTER * len(span.what)
    if length <= end - x:
        return x, end, made
    bare = made if "<text" not in made else made[: made.index("<text")] + "</g>"
    return _beside(x, max(end, x + 2), length, bare, span.what)


def _moment(mark: Mark, scale: _Scale) -> tuple[float, float, str]:
    x, half = scale.x(mark.time_s), _MARK / 2
    points = f"{x - half:.1f},7.5 {x:.1f},{7.5 - half} {x + half:.1f},7.5 {x:.1f},{7.5 + half}"
    told = html.escape(f"{mark.what}\n{mark.time_s:.2f} s")
    made = f'<g class="moment"><title>{told}</title><polygon points="{points}"/></g>'
    return _beside(x - half, x + half, 8 + _LETTER * len(mark.what), made, mark.what)


def _beside(left: float, right: float, length: float, made: str, text: str) -> tuple[float, float, str]:
    """What was made, and its name to the right of it, or to the left where there is no room."""
    if right + length <= WIDTH:
        return left, right + length, f"{made}{_text(right + 4, 11.2, text, 'beside')}"
    return left - length, right + 2, f"{made}{_text(left - 4, 11.2, text, 'beside before')}"


def _text(x: float, y: float, text: str, kind: str) -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{html.escape(text)}</text>'
