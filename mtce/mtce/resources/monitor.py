# SPDX-License-Identifier: Apache-2.0
"""Watches a host's resources, raises their alarms, and says which of them degrade the host."""

import json
import logging
import os
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from fm import client as fm_client
from mtce import conf
from mtce.resources import levels, links
from mtce.resources.levels import Gauges, Reading, Severity, Subject
from mtce.resources.source import Source
from stx import exception, service

LOG = logging.getLogger(__name__)
CONF = conf.CONF

_MAX_TEXT = 255


class Told:
    """The alarms that are on, kept on disk as they outlive this process, and the boot.

    :ivar alarms: None where that is not known
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.alarms: dict[Subject, Severity] | None = self._load()

    def _load(self) -> dict[Subject, Severity] | None:
        try:
            content = json.loads(self._path.read_bytes())
            return {Subject(str(alarm_id), str(entity)): Severity(severity) for alarm_id, entity, severity in content}
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError) as error:
            LOG.warning("%s cannot be used (%s): alarms are told anew", self._path, error)
            return None

    def save(self, alarms: Mapping[Subject, Severity]) -> None:
        self.alarms = dict(alarms)
        new = self._path.with_suffix(".new")
        try:
            new.write_text(json.dumps([(subject.alarm_id, subject.entity, int(on)) for subject, on in sorted(alarms.items())]))
            os.replace(new, self._path)
        except OSError as error:
            LOG.error("%s was not written: %s", self._path, error.strerror)


class Resources:
    """:param changed: called when the host is degraded by something else than before
    :param clock: gives monotonic seconds
    """

    def __init__(
        self, changed: Callable[[], None], source: Source | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """:raises exception.ConfigurationError: when thresholds make no sense"""
        _check_thresholds()
        self._changed = changed
        self._source = source or Source()
        self._clock = clock
        self._faults = fm_client.FaultReporter()
        self._told = Told(Path(CONF.state_path) / "resources.json")
        is_on = CONF.mtce_resources.enabled
        self._gauges = Gauges((self._told.alarms or {}) if is_on else {})
        # Subjects of which Fault Management knows for sure what it is to know.
        self._settled: set[Subject] = set(self._told.alarms or ())
        self._audit_at = self._links_at = clock() + CONF.mtce_resources.start_delay
        self._networks = self._known_networks()
        self._worker = service.Worker("mtce-resources", self.step, CONF.mtce_resources.start_delay)
        self.degrading = self._gauges.degrading()

    def start(self) -> None:
        # Where it was turned off, the alarms of the time before are still to be cleared.
        if CONF.mtce_resources.enabled or self._told.alarms:
            self._worker.start()

    def stop(self) -> None:
        self._worker.stop()

    def is_healthy(self) -> bool:
        return not CONF.mtce_resources.enabled or self._worker.is_healthy()

    def step(self) -> None:
        """Look at what is due."""
        now, options = self._clock(), CONF.mtce_resources
        if not options.enabled:
            self._worker.period_s = options.audit_period
            self._tell(dict.fromkeys(self._told.alarms or {}, Severity.CLEAR))
            return
        is_audit, is_links = now >= self._audit_at, bool(self._networks) and now >= self._links_at
        if is_audit:
            self._audit_at = now + options.audit_period
            for look in (self._read_cpu, self._read_memory, self._read_file_systems):
                self._look(look)
        if is_links or (is_audit and not self._networks):
            self._links_at = now + options.link_period
            self._look(self._read_links)
        self._worker.period_s = max(0.1, min(self._audit_at, self._links_at if self._networks else self._audit_at) - now)
        if is_audit or is_links:
            self._tell(self._gauges.alarms())

    def _look(self, look: Callable[[], None]) -> None:
        try:
            look()
        except (OSError, ValueError, IndexError) as error:
            LOG.warning("A resource was not read: %s", error)

    def _read_cpu(self) -> None:
        percent = self._source.cpu_percent([int(number) for number in CONF.mtce_resources.platform_cpus])
        self._take(levels.CPU, CONF.mtce_resources.cpu, {"": percent}, "processors")

    def _read_memory(self) -> None:
        self._take(levels.MEMORY, CONF.mtce_resources.memory, {"": self._source.memory_percent()}, "memory")

    def _read_file_systems(self) -> None:
        ignored = CONF.mtce_resources.ignored_file_systems
        found = {f".filesystem={place}": use for place, use in self._source.file_systems().items() if place not in ignored}
        self._take(levels.FILE_SYSTEM, CONF.mtce_resources.file_systems, dict(found), "file system")

    def _take(self, alarm_id: str, thresholds: list[float], uses: Mapping[str, float | None], what: str) -> None:
        """:param uses: in percent, by what stands after the host in the entity"""
        found = []
        for part, percent in uses.items():
            if percent is None:
                return
            subject = Subject(alarm_id, f"host={CONF.host}{part}"[:_MAX_TEXT])
            severity = levels.severity(percent, thresholds, self._gauges.held(subject))
            place = part.partition("=")[2]
            text = f"{CONF.host}: {what}{' ' if place else ''}{place} {percent:.0f} % used."
            found.append(Reading(subject, severity, text[:_MAX_TEXT]))
        self._gauges.read({alarm_id}, found)

    def _read_links(self) -> None:
        found: Iterable[Reading] = ()
        if self._networks:
            found = links.readings(CONF.host, self._networks, self._source.links())
        self._gauges.read({*levels.PORTS.values(), *levels.INTERFACES.values()}, found)

    @staticmethod
    def _known_networks() -> dict[str, str]:
        given = {{"infra": "cluster"}.get(network, network): device for network, device in CONF.mtce_resources.networks.items()}
        for network in given.keys() - levels.PORTS.keys():
            LOG.warning("[mtce_resources] networks: there is no %s; there are %s", network, ", ".join(levels.PORTS))
        return {network: device for network, device in given.items() if network in levels.PORTS}

    def _tell(self, alarms: Mapping[Subject, Severity]) -> None:
        """Have Fault Management know what has changed; what it does not take now is told at the next look."""
        before = self._told.alarms or {}
        news = {
            subject: on
            for subject, on in alarms.items()
            if on is not before.get(subject, Severity.CLEAR) or subject not in self._settled
        }
        if news:
            try:
                self._faults.report([self._report(subject, on) for subject, on in sorted(news.items())])
            except exception.Unavailable as error:
                LOG.warning("Alarms about resources wait: %s", error.message)
            else:
                self._settled = (self._settled | news.keys()) & self._gauges.subjects
                self._told.save({subject: on for subject, on in {**before, **news}.items() if on})
        degrading = self._gauges.degrading()
        if degrading != self.degrading:
            self.degrading = degrading
            self._changed()

    def _report(self, subject: Subject, severity: Severity) -> fm_client.Report:
        if not severity:
            return fm_client.clear(subject.alarm_id, subject.entity)
        text = self._gauges.text(subject)
        LOG.warning("%s %s: %s", subject.alarm_id, severity.word, text)
        return fm_client.set_alarm(subject.alarm_id, subject.entity, text, severity.word)


def _check_thresholds() -> None:
    for name in ("cpu", "memory", "file_systems"):
        given = list(CONF.mtce_resources[name])
        if len(given) > 3 or given != sorted(given):
            raise exception.ConfigurationError(
                f"[mtce_resources] {name} = {', '.join(map(str, given))}: give up to three percentages, minor, major and critical, "
                "the lowest first."
            )
