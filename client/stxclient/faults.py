# SPDX-License-Identifier: Apache-2.0
"""Reads the body of an error answer: who wrote it decides its form (spec sysinv.md 1.3).

The platform's services send a JSON string inside JSON, frameworks a JSON object, proxies HTML or nothing.
"""

import dataclasses
import html
import json
import re
from typing import Any

# A sentence is wanted, not a page.
TEXT_LIMIT = 2000
_SENTENCES = ("faultstring", "description", "message", "title")
_NESTED = ("error_message", "error")
_DEPTH_LIMIT = 4


@dataclasses.dataclass(frozen=True)
class Fault:
    """What the other side said was wrong.

    :ivar text: a sentence; empty when none could be found
    :ivar details: further findings
    """

    text: str
    details: tuple[str, ...] = ()


def read_fault(body: bytes) -> Fault:
    """The fault that an error's body tells of, in whatever form it came. Never fails."""
    text = body[: 64 * 1024].decode("utf-8", "replace").strip()
    try:
        decoded = json.loads(text)
    except (ValueError, RecursionError):
        return Fault(_shortened(_without_markup(text)))
    return _from_json(decoded, 0)


def _from_json(value: Any, depth: int) -> Fault:
    if isinstance(value, str):
        return _from_text(value, depth)
    if not isinstance(value, dict) or depth > _DEPTH_LIMIT:
        return Fault("")
    found = value.get("details")
    details = tuple(_shortened(str(item)) for item in found) if isinstance(found, list) else ()
    for name in _SENTENCES:
        text = value.get(name)
        if isinstance(text, str) and text.strip():
            return Fault(_shortened(text), details)
    nested = [value[name] for name in _NESTED if name in value]
    # {"badRequest": {"message": …}} and the like
    nested += [inner for inner in value.values() if isinstance(inner, dict)]
    for inner in nested:
        fault = _from_json(inner, depth + 1)
        if fault.text:
            return dataclasses.replace(fault, details=fault.details or details)
    return Fault("")


def _from_text(text: str, depth: int) -> Fault:
    """A string inside JSON: more JSON, or the sentence itself."""
    if text.lstrip().startswith(("{", '"')) and depth <= _DEPTH_LIMIT:
        try:
            return _from_json(json.loads(text), depth + 1)
        except (ValueError, RecursionError):
            pass
    return Fault(_shortened(text))


def _without_markup(text: str) -> str:
    """The words of an HTML page, or of plain text that is none."""
    if not re.match(r"\s*<(!doctype|html|head|body|title|h1)\b", text, re.IGNORECASE):
        return text
    body = re.sub(r"(?is)<(script|style|title)\b.*?</\1\s*>", " ", text)
    return html.unescape(re.sub(r"(?s)<[^>]*>", " ", body))


def _shortened(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= TEXT_LIMIT else words[: TEXT_LIMIT - 1] + "…"
