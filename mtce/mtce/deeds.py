# SPDX-License-Identifier: Apache-2.0
"""Carries out what mtce-agent wants of this host: its flag, its tasks, the end of its boot."""

import logging
import os
import pathlib
import threading
from collections.abc import Callable

import msgspec

from mtce import client, conf, wishes
from mtce.ending import Ending, EndingError
from mtce.scripts import Outcome, Scripts, ScriptsError, failures, find
from stx import flags

LOG = logging.getLogger(__name__)
CONF = conf.CONF

RESULTS = "mtce-results.json"
CONFIG_FAIL, CONFIG_PASS = ".config_fail", ".config_pass"
INITIAL_CONFIG = pathlib.Path("/etc/platform/.initial_config_complete")
STOP_DEADLINE_S = 10.0
# A reason is for an operator's line.
MAX_REASON = 1000


class Kept(msgspec.Struct):
    """The file of results: those of a boot are worth nothing in the next one."""

    boot_id: str
    results: dict[str, client.Result]


class Deeds:
    """:param changed: called when there is something new to report"""

    def __init__(self, boot_id: str, ending: Ending, changed: Callable[[], None]) -> None:
        self._boot_id = boot_id
        self._ending = ending
        self._changed = changed
        self._run_path = pathlib.Path(CONF.run_path)
        self._lock = threading.Lock()
        self._running: dict[str, tuple[Scripts, threading.Thread]] = {}
        self._begun: str | None = None
        # Once is enough, also where the flag cannot be removed.
        self._has_left = False
        self._is_stopping = False
        self._results = self._load()

    @property
    def results(self) -> dict[str, client.Result]:
        with self._lock:
            return dict(self._results)

    @property
    def may_reboot(self) -> bool:
        return bool(CONF.mtce.may_reboot) and self._ending.is_possible

    def config(self) -> client.Config:
        """How the last application of the host's configuration went."""
        has_failed, has_passed = (self._run_path.joinpath(flag).exists() for flag in (CONFIG_FAIL, CONFIG_PASS))
        return client.Config(wishes.config(has_failed, has_passed, INITIAL_CONFIG.exists()))

    def fulfil(self, wish: client.Wish) -> None:
        """Begin what can begin now. What lasts goes on by itself."""
        with self._lock:
            known = wishes.Known(
                boot_id=self._boot_id,
                is_locked=flags.is_locked(self._run_path),
                may_reboot=self.may_reboot,
                is_in_service=flags.is_in_service(self._run_path) and not self._has_left,
                done={task: result.token for task, result in self._results.items()},
                running=frozenset(self._running),
                ending=self._begun,
            )
            if self._is_stopping:
                return
            for effect in wishes.decide(wish, known):
                match effect:
                    case wishes.SetLocked(is_locked):
                        LOG.info("This host is %s", "locked" if is_locked else "unlocked")
                        self._flag(flags.LOCKED, is_locked)
                    case wishes.Leave():
                        LOG.info("This host is out of service")
                        self._flag(flags.GOENABLED, False)
                        self._has_left = True
                    case wishes.Run(task, token):
                        self._begin(task, token)
                    case wishes.End(how):
                        self._begun = how
                        threading.Thread(target=self._end, args=(how,), name="mtce-end", daemon=True).start()

    def stop(self) -> None:
        """End the scripts that run. They are run again by the next mtce-client, as they have no result."""
        with self._lock:
            self._is_stopping = True
            running = list(self._running.values())
            for scripts, _ in running:
                scripts.stop()
        for _, thread in running:
            thread.join(STOP_DEADLINE_S)

    def _begin(self, task: str, token: str) -> None:
        scripts = Scripts()
        thread = threading.Thread(target=self._carry_out, args=(task, token, scripts), name=f"mtce-{task}", daemon=True)
        self._running[task] = (scripts, thread)
        thread.start()

    def _carry_out(self, task: str, token: str, scripts: Scripts) -> None:
        LOG.info("%s begins", task)
        try:
            reason = failures(self._run(task, scripts))
        except ScriptsError as error:
            reason = str(error)
        except Exception as error:
            LOG.exception("%s was not carried out", task)
            reason = f"It was not carried out: {error}"
        with self._lock:
            del self._running[task]
            is_told = not scripts.is_stopped
            scripts.close()
            if is_told:
                result = client.Result(token, not reason, reason[:MAX_REASON])
                self._results[task] = result
                self._note(task, result)
        if is_told:
            LOG.log(logging.WARNING if reason else logging.INFO, "%s %s", task, f"failed: {reason}" if reason else "passed")
            self._changed()

    def _run(self, task: str, scripts: Scripts) -> list[Outcome]:
        kind, options = wishes.KINDS[task], CONF.mtce_host
        is_test = kind.is_parallel
        top = pathlib.Path(options.goenabled_dir if is_test else options.services_dir)
        paths = [path for place in wishes.places(task, CONF.pmon.subfunctions) for path in find(top / place)]
        timeout_s = options.goenabled_timeout if is_test else options.services_timeout
        return scripts.run(paths, kind.argument, timeout_s, kind.is_parallel)

    def _note(self, task: str, result: client.Result) -> None:
        """Keep a result for the next mtce-client, and for whoever goes by the flags."""
        kind = wishes.KINDS[task]
        if kind.passed == flags.GOENABLED:
            self._has_left = False
        if kind.passed:
            self._flag(kind.passed, result.is_passed)
            self._flag(kind.failed, not result.is_passed)
        path = self._run_path / RESULTS
        new = path.with_suffix(".new")
        try:
            new.write_bytes(msgspec.json.encode(Kept(self._boot_id, self._results)))
            os.replace(new, path)
        except OSError as error:
            LOG.error("%s was not written (%s): after a restart of this process its tasks are run again", path, error.strerror)

    def _load(self) -> dict[str, client.Result]:
        path = self._run_path / RESULTS
        try:
            kept = msgspec.json.decode(path.read_bytes(), type=Kept)
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.MsgspecError) as error:
            LOG.warning("%s cannot be used (%s): tasks are run again", path, error)
            return {}
        if kept.boot_id == self._boot_id:
            return {task: result for task, result in kept.results.items() if task in wishes.KINDS}
        # Where the directory outlives a boot, its flags are of that one too.
        for kind in wishes.KINDS.values():
            for flag in filter(None, (kind.passed, kind.failed)):
                self._flag(flag, False)
        return {}

    def _flag(self, name: str, is_set: bool) -> None:
        path = self._run_path / name
        try:
            path.touch() if is_set else path.unlink(missing_ok=True)
        except OSError as error:
            LOG.error("%s was not %s: %s", path, "written" if is_set else "removed", error.strerror)

    def _end(self, how: str) -> None:
        try:
            has_begun = self._ending.end(how)
        except EndingError as error:
            LOG.error("This host does not %s: %s", how, error)
            has_begun = False
        if not has_begun:
            # It is wished for again.
            with self._lock:
                self._begun = None
