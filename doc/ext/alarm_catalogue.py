# SPDX-License-Identifier: Apache-2.0
"""`.. alarm-catalogue::` in a page shows the catalogue of Fault Management: what is raised, and what nobody raises yet."""

from collections.abc import Iterator
from typing import Any

from docutils import nodes, statemachine
from docutils.parsers import rst
from rest_reference import table
from sphinx.util.nodes import nested_parse_with_titles

from fm import catalogue


def page() -> Iterator[str]:
    """The lines of the page: a section for each id that is raised, and a table of the others."""
    entries = catalogue.load()
    yield from _title("Raised by this release", "=")
    for alarm_id, entry in entries.items():
        if not entry.planned:
            yield from _title(f"{alarm_id}, {entry.type}", "-")
            yield from (entry.description, "", *_facts(entry), "")
    planned = [(alarm_id, entry) for alarm_id, entry in entries.items() if entry.planned]
    yield from _title("Not raised yet", "=")
    yield from (f"Nobody raises these {len(planned)} yet; another program may, by REST.", "")
    yield from table(
        {"Id": 10, "Kind": 8, "Severity": 15, "About": 45, "Entity": 45, "From": 15},
        [
            (alarm_id, entry.type, _words(entry.severity), entry.description, _forms(entry), ", ".join(entry.raised_by))
            for alarm_id, entry in planned
        ],
    )


def _facts(entry: catalogue.Entry) -> Iterator[str]:
    yield f":Entity: {_forms(entry)}; for example ``{entry.example}``"
    yield f":Severity: {_words(entry.severity)}"
    yield f":Type and cause: {_words(entry.alarm_type)}, {entry.probable_cause}"
    yield f":Affects service: {_service(entry.service_affecting)}"
    if entry.type == "alarm":
        yield f":Speaks against work on the system: {_threshold(entry.mgmt_affecting)}"
        yield f":Degrades the host: {_threshold(entry.degrade_affecting)}"
        yield f":Hidden by a lock of the host: {'yes' if entry.suppression else 'no'}"
        if entry.inhibit_alarms:
            yield ":Hides others: those of the same host that a lock hides"
        yield f":To be done: {entry.proposed_repair_action}"
    yield f":Raised by: {', '.join(entry.raised_by)}"


def _forms(entry: catalogue.Entry) -> str:
    return ", ".join(f"``{form}``" for form in catalogue.all_of(entry.entity))


def _words(value: str | list[str]) -> str:
    return ", ".join(catalogue.all_of(value))


def _service(affecting: bool | dict[str, bool]) -> str:
    if isinstance(affecting, bool):
        return "yes" if affecting else "no"
    return "when " + " or ".join(severity for severity, affects in affecting.items() if affects)


def _threshold(lowest: str) -> str:
    return {"none": "never", "warning": "always", "critical": "when critical"}.get(lowest, f"when {lowest} or worse")


def _title(text: str, line: str) -> tuple[str, ...]:
    return text, line * len(text), ""


class AlarmCatalogue(rst.Directive):
    """`.. alarm-catalogue::` shows what `page` gives."""

    def run(self) -> list[nodes.Node]:
        section = nodes.section()
        section.document = self.state.document
        nested_parse_with_titles(self.state, statemachine.StringList(list(page()), source=__name__), section)
        return section.children


def setup(sphinx: Any) -> dict[str, bool]:
    sphinx.add_directive("alarm-catalogue", AlarmCatalogue)
    return {"parallel_read_safe": True}
