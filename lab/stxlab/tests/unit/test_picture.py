# SPDX-License-Identifier: Apache-2.0
"""The page that shows a timeline."""

import pathlib
import re
import xml.etree.ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st
from oslotest import base

from stxlab import picture, timeline
from stxlab.picture import About
from stxlab.timeline import Event

TEMPLATE = pathlib.Path(picture.__file__).with_name("timeline.html").read_text()
EVENTS = (
    Event(0, "power", "a", "", "running"),
    Event(0, "reach", "a", "mgmt", "answers"),
    Event(10, "fault-begin", "a", "", "mgmt cut"),
    Event(10.2, "reach", "a", "mgmt", "silent"),
    Event(10, "order", "b", "", "power-off"),
    Event(11, "step", "", "", "done: cut a mgmt"),
    Event(30, "fault-end", "a", "", "mgmt cut"),
    Event(31, "step", "", "", "passed: host a mgmt answers"),
)
SVG = "{http://www.w3.org/2000/svg}"


class PageTest(base.BaseTestCase):
    def page(self, *events: Event, title: str = "A host fails") -> str:
        drawn = timeline.build(events, ["a", "b"], 40)
        return picture.page(TEMPLATE, About(title, "What it is about.", "2026-01-01"), drawn, events)

    def test_it_needs_nothing_else(self) -> None:
        page = self.page(*EVENTS)
        self.assertEqual([], re.findall(r"(?:src|href|@import)\b|url\((?!#)|<script", page))

    def test_it_shows_hosts_faults_states_and_steps(self) -> None:
        drawing = svg(self.page(*EVENTS))
        texts = [element.text for element in drawing.iter(f"{SVG}text")]
        self.assertLessEqual({"a", "b", "faults", "power", "mgmt", "mgmt cut", "silent", "power-off", "1", "2"}, set(texts))
        tones = [element.get("class") for element in drawing.iter(f"{SVG}g")]
        self.assertLessEqual({"span good", "span bad", "span fault", "moment", "badge good"}, set(tones))

    def test_it_says_whether_all_went_well(self) -> None:
        self.assertIn("all 2 steps passed", self.page(*EVENTS))
        self.assertIn("1 of 3 steps failed", self.page(*EVENTS, Event(35, "step", "", "", "failed: host b state off: no")))

    def test_no_text_can_become_markup(self) -> None:
        nasty = "<script>alert('&')</script> $title"
        page = self.page(Event(1, "order", "a", "", nasty), Event(2, "step", "", "", nasty), title=nasty)
        self.assertNotIn("<script", page)
        self.assertIn("&lt;script&gt;alert(&#x27;&amp;&#x27;)&lt;/script&gt; $title</h1>", page)

    def test_steps_of_one_moment_share_a_number(self) -> None:
        steps = [
            Event(20, "step", "", "", "passed: x"),
            Event(20.1, "step", "", "", "passed: y"),
            Event(39, "step", "", "", "done: z"),
        ]
        badges = [group for group in svg(self.page(*steps)).iter(f"{SVG}g") if (group.get("class") or "").startswith("badge")]
        self.assertEqual(["1\N{EN DASH}2", "3"], [group.findtext(f"{SVG}text") for group in badges])

    @given(st.lists(st.sampled_from(EVENTS), max_size=20), st.floats(0, 1e5), st.text(max_size=60))
    def test_all_that_is_drawn_is_within_the_picture(self, events: list[Event], end_s: float, what: str) -> None:
        events = [*events, Event(end_s / 2, "fault-begin", "a", "", what)]
        drawing = ET.fromstring(_valid(picture.drawing(timeline.build(events, ["a", "b"], end_s))))
        _, _, width, height = (float(number) for number in drawing.get("viewBox", "").split())
        for box in drawing.iter(f"{SVG}rect"):
            x, wide = float(box.get("x", 0)), float(box.get("width", 0))
            self.assertLessEqual(-1, x)
            self.assertLessEqual(x + wide, width + 1)
        for line in drawing.iter(f"{SVG}line"):
            self.assertLessEqual(float(line.get("y2", 0)), height)


def svg(page: str) -> ET.Element:
    found = re.search(r"<svg.*</svg>", page, re.DOTALL)
    assert found is not None
    return ET.fromstring(_valid(found.group()))


def _valid(text: str) -> str:
    """HTML needs no name space for its drawings, and takes letters that XML does not."""
    text = text.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1)
    return re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]", "", text)
