# SPDX-License-Identifier: Apache-2.0
"""The drop-in files `pmon.d/*.conf`: which processes are watched, and how.

Keys of section [process] and their meaning: spec mtce-sm.md A5.1. Beyond it, `command` (a program with arguments, started without
a shell) takes the place of a unit or script, `stdout` names its log file, and durations may be fractions of a second.
"""

import configparser
import dataclasses
import enum
import math
import re
import shlex
from collections.abc import Callable, Iterable
from typing import TypeVar

MAX_PROCESSES = 100
MAX_FILE_BYTES = 16 * 1024
MAX_SECONDS = 86400.0
MIN_PERIOD_S = 0.05
MAX_RESTARTS = 1000
MAX_THRESHOLD = 1000
MAX_VALUE_LENGTH = 4096

_SECTION = "process"
_NO_COMMAND: tuple[str, ...] = ()
_T = TypeVar("_T")


class Severity(enum.StrEnum):
    MINOR = "minor"
    MAJOR = "major"
    CRITICAL = "critical"


class Mode(enum.StrEnum):
    PASSIVE = "passive"
    ACTIVE = "active"
    STATUS = "status"
    IGNORE = "ignore"


class Style(enum.StrEnum):
    LSB = "lsb"
    OCF = "ocf"


class Subfunction(enum.StrEnum):
    """Which part of the host's configuration must be complete before a process is watched."""

    WORKER = "worker"
    STORAGE = "storage"
    LAST_CONFIG = "last-config"


@dataclasses.dataclass(frozen=True)
class ProcessConf:
    """How one process is watched. Times in seconds; an empty string or tuple means not given.

    :ivar restarts: back-to-back restarts before the alarm; 0 means no automatic restart
    :ivar interval: wait before a restart that is not the first
    :ivar debounce: time a process must stay up before earlier failures are forgotten
    :ivar startuptime: time from the end of the start action until the process must be there
    """

    name: str
    path: str = ""
    mode: Mode = Mode.PASSIVE
    severity: Severity = Severity.MINOR
    restarts: int = 0
    interval: float = 0.0
    debounce: float = 0.0
    startuptime: float = 0.0
    pidfile: str = ""
    service: str = ""
    script: str = ""
    style: Style = Style.LSB
    command: tuple[str, ...] = ()
    stdout: str = ""
    quorum: bool = False
    full_init_reqd: bool = False
    subfunction: Subfunction | None = None
    port: int = 0
    period: float = 0.0
    timeout: float = 0.0
    threshold: int = 0
    start_arg: str = ""
    status_arg: str = ""
    status_failure_text: str = ""

    @property
    def is_command(self) -> bool:
        """Whether the monitor starts the program itself: a unit or script, where given, comes first."""
        return bool(self.command) and not self.service and not self.script


@dataclasses.dataclass(frozen=True)
class Problem:
    """What is wrong with a file.

    :ivar is_refused: the process of this file is not watched; otherwise only a part of the file has no effect
    """

    path: str
    key: str
    text: str
    is_refused: bool = True

    def __str__(self) -> str:
        said = f"{self.path}: {self.key + ': ' if self.key else ''}{self.text}"
        # It quotes the file, and what that has of control characters is nothing for logs and terminals.
        return "".join(character if character.isprintable() else "?" for character in said)


def parse(path: str, content: bytes) -> tuple[ProcessConf | None, list[Problem]]:
    """One file's process, or None when it must not be used, and everything that is wrong with the file."""
    if len(content) > MAX_FILE_BYTES:
        return None, [Problem(path, "", f"the file is larger than {MAX_FILE_BYTES} bytes. Keep one [process] section in it.")]
    try:
        values, problems = _read_ini(path, content.decode("utf-8"))
    except UnicodeDecodeError:
        return None, [Problem(path, "", "the file is not UTF-8 text. Save it as UTF-8.")]
    except configparser.Error as error:
        return None, [Problem(path, "", _ini_fault(error))]
    keys = _Keys(path, values, problems)
    conf = _process(keys)
    keys.refuse_unknown()
    return (None if any(problem.is_refused for problem in keys.problems) else conf), keys.problems


def combine(confs: Iterable[ProcessConf]) -> tuple[dict[str, ProcessConf], list[Problem]]:
    """The processes that can be watched together, by name: names and ports are unique, and there are at most 100."""
    chosen: dict[str, ProcessConf] = {}
    ports: dict[int, str] = {}
    problems: list[Problem] = []
    for conf in confs:
        if conf.name in chosen:
            problems.append(
                Problem(
                    conf.path, "process", f"{conf.name} is already defined in {chosen[conf.name].path}. Remove one of the files."
                )
            )
        elif len(chosen) >= MAX_PROCESSES:
            problems.append(
                Problem(conf.path, "", f"{MAX_PROCESSES} processes are watched already. Remove files that are not needed.")
            )
        elif conf.mode is Mode.ACTIVE and conf.port in ports:
            problems.append(Problem(conf.path, "port", f"{conf.port} is the port of {ports[conf.port]}. Choose another one."))
        else:
            chosen[conf.name] = conf
            if conf.mode is Mode.ACTIVE:
                ports[conf.port] = conf.name
    return chosen, problems


def _read_ini(path: str, text: str) -> tuple[dict[str, str], list[Problem]]:
    parser = configparser.ConfigParser(
        interpolation=None,
        delimiters=("=",),
        comment_prefixes=("#", ";"),
        inline_comment_prefixes=(";",),
        default_section="\0",
    )
    parser.read_string(text)
    problems = [
        Problem(path, "", f"section [{section}] has no effect. Put its keys into [{_SECTION}].", is_refused=False)
        for section in parser.sections()
        if section != _SECTION
    ]
    if not parser.has_section(_SECTION):
        problems.append(Problem(path, "", f"there is no section [{_SECTION}]. Put that line above the keys."))
        return {}, problems
    return dict(parser.items(_SECTION)), problems


def _ini_fault(error: configparser.Error) -> str:
    match error:
        case configparser.DuplicateOptionError():
            return f"{error.option} is given twice (line {error.lineno}). Keep one of the lines."
        case configparser.DuplicateSectionError():
            return f"section [{error.section}] is there twice (line {error.lineno}). Use one file for each process."
        case configparser.MissingSectionHeaderError():
            return f"line {error.lineno} stands before any section. Put the line [{_SECTION}] above it."
        case configparser.ParsingError() if error.errors:
            return f"line {error.errors[0][0]} is neither `key = value` nor a comment. Correct or remove it."
        case _:
            return f"it is not an INI file: {error.message.splitlines()[0]}. Correct it."


class _Keys:
    """The values of one file, taken key by key; collects what is wrong."""

    def __init__(self, path: str, values: dict[str, str], problems: list[Problem]) -> None:
        self.path = path
        self.problems = problems
        self._values = {key: value.strip() for key, value in values.items()}
        self._known: set[str] = set()

    def take(self, key: str, read: Callable[[str], _T], default: _T, *, is_required: bool = False) -> _T:
        self._known.add(key)
        value = self._values.get(key, "")
        if not value:
            if is_required:
                self.refuse(key, f"it is missing. Add a line `{key} = ...`.")
            return default
        if len(value) > MAX_VALUE_LENGTH or any(not char.isprintable() for char in value):
            self.refuse(key, f"it must be one line of at most {MAX_VALUE_LENGTH} printable characters.")
            return default
        try:
            return read(value)
        except ValueError as error:
            self.refuse(key, f"{value[:60]!r} {error}")
            return default

    def refuse(self, key: str, text: str) -> None:
        self.problems.append(Problem(self.path, key, text))

    def refuse_unknown(self) -> None:
        for key in sorted(set(self._values) - self._known):
            text = "there is no such key; it has no effect. Check its spelling or remove it."
            self.problems.append(Problem(self.path, key[:60], text, is_refused=False))


def _process(keys: _Keys) -> ProcessConf:
    mode = keys.take("mode", _choice(Mode), Mode.PASSIVE)
    is_watched = mode is not Mode.IGNORE
    by_pid = mode in (Mode.PASSIVE, Mode.ACTIVE)
    is_active, is_status = mode is Mode.ACTIVE, mode is Mode.STATUS
    service = keys.take("service", _unit, "")
    script = keys.take("script", _path, "", is_required=is_status)
    command = keys.take("command", _command, _NO_COMMAND)
    if by_pid and not (service or script or command):
        keys.refuse("service", "nothing says how to start the process. Give one of: service, script, command.")
    conf = ProcessConf(
        name=keys.take("process", _name, "", is_required=True),
        path=keys.path,
        mode=mode,
        severity=keys.take("severity", _choice(Severity), Severity.MINOR, is_required=is_watched),
        restarts=keys.take("restarts", _whole(0, MAX_RESTARTS), 0, is_required=is_watched),
        interval=keys.take("interval", _seconds(0.0), 0.0, is_required=is_watched),
        debounce=keys.take("debounce", _seconds(0.0), 0.0, is_required=is_watched),
        startuptime=keys.take("startuptime", _seconds(0.0), 0.0, is_required=by_pid),
        pidfile=keys.take("pidfile", _path, "", is_required=by_pid and not service),
        service=service,
        script=script,
        style=keys.take("style", _choice(Style), Style.LSB),
        command=command,
        stdout=keys.take("stdout", _path, ""),
        quorum=keys.take("quorum", _flag, False),
        full_init_reqd=keys.take("full_init_reqd", _flag, False),
        subfunction=keys.take("subfunction", _choice(Subfunction), None),
        port=keys.take("port", _whole(1, 65535), 0, is_required=is_active),
        period=keys.take("period", _seconds(MIN_PERIOD_S), 0.0, is_required=is_active or is_status),
        timeout=keys.take("timeout", _seconds(0.01), 0.0, is_required=is_active or is_status),
        threshold=keys.take("threshold", _whole(1, MAX_THRESHOLD), 0, is_required=is_active),
        start_arg=keys.take("start_arg", _word, "", is_required=is_status),
        status_arg=keys.take("status_arg", _word, "", is_required=is_status),
        status_failure_text=keys.take("status_failure_text", _path, ""),
    )
    if is_active and conf.period and conf.timeout >= conf.period:
        keys.refuse("timeout", f"{conf.timeout:g} is not less than period = {conf.period:g}. Make it shorter.")
    return conf


_E = TypeVar("_E", bound=enum.StrEnum)


def _choice(choices: type[_E]) -> Callable[[str], _E]:
    def read(value: str) -> _E:
        try:
            return choices(value.lower())
        except ValueError:
            raise ValueError(f"must be one of: {', '.join(choices)}.") from None

    return read


def _whole(lowest: int, highest: int) -> Callable[[str], int]:
    def read(value: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", value, re.ASCII) or not lowest <= int(value) <= highest:
            raise ValueError(f"must be a whole number from {lowest} to {highest}.")
        return int(value)

    return read


def _seconds(lowest: float) -> Callable[[str], float]:
    def read(value: str) -> float:
        message = f"must be a number of seconds from {lowest:g} to {MAX_SECONDS:g}, for example 5 or 0.5."
        try:
            seconds = float(value)
        except ValueError:
            raise ValueError(message) from None
        if not math.isfinite(seconds) or not lowest <= seconds <= MAX_SECONDS:
            raise ValueError(message)
        return seconds

    return read


def _flag(value: str) -> bool:
    if value not in ("0", "1"):
        raise ValueError("must be 0 or 1.")
    return value == "1"


def _name(value: str) -> str:
    # The name becomes a part of the alarm's entity, host=<h>.process=<p>: a dot or an equals sign would break it.
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_@:-]{0,63}", value):
        raise ValueError("must be a name of at most 64 letters, digits, and _ @ : - characters.")
    return value


def _unit(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.@:\\-]{0,200}", value):
        raise ValueError("must be the name of a systemd unit.")
    return value


def _path(value: str) -> str:
    if not value.startswith("/"):
        raise ValueError("must be an absolute path, for example /var/run/name.pid.")
    return value


def _word(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", value):
        raise ValueError("must be one word, as the script takes it.")
    return value


def _command(value: str) -> tuple[str, ...]:
    try:
        words = tuple(shlex.split(value))
    except ValueError:
        raise ValueError("has an open quotation mark. Close it; mind that ` ;` begins a comment.") from None
    if not words or not words[0]:
        raise ValueError("must begin with the program to run.")
    return words
