# SPDX-License-Identifier: Apache-2.0
"""Where the readers get their bytes: files and links below a root, commands with a deadline."""

import contextlib
import os
import pathlib
import shutil
import subprocess

COMMAND_DEADLINE_S = 10
_KILLED_DEADLINE_S = 1


class Missing(Exception):
    """The machine lacks what a kind of inventory is read from; the message says what."""


class Failed(Exception):
    """Something that is there didn't answer, so that nothing is known this time."""


class Source:
    """The files of one machine and the commands that look at it.

    :param root: folder that holds the machine's sys, proc and dev; "/" is the running machine
    """

    def __init__(self, root: pathlib.Path) -> None:
        self.root = root
        self.is_running_machine = root.resolve() == pathlib.Path("/")

    def data(self, path: str) -> bytes:
        """The content of a file, empty when it can't be read."""
        try:
            return (self.root / path).read_bytes()
        except OSError:
            return b""

    def text(self, path: str) -> str | None:
        """The content of a file as text, None when it can't be read or is empty."""
        return self.data(path).decode(errors="replace").strip() or None

    def names(self, path: str) -> list[str]:
        """The names in a folder in order, none when it can't be read."""
        try:
            return sorted(os.listdir(self.root / path))
        except OSError:
            return []

    def exists(self, path: str) -> bool:
        return os.path.lexists(self.root / path)

    def links(self, path: str) -> list[tuple[str, str]]:
        """(name, target) of the links in a folder."""
        return [(name, target) for name in self.names(path) if (target := self._target(f"{path}/{name}"))]

    def pointed(self, path: str) -> str | None:
        """The last part of what a link points to: a driver's name, a device's address."""
        target = self._target(path)
        return os.path.basename(target) if target else None

    def resolved(self, path: str) -> str:
        """Where a path leads through all its links, again below the root."""
        return os.path.relpath(os.path.realpath(self.root / path), os.path.realpath(self.root))

    def command(self, *argv: str) -> str:
        """What a command prints, in the C locale.

        :raises Missing: when it isn't installed
        :raises Failed: when it fails or takes longer than COMMAND_DEADLINE_S
        """
        program = shutil.which(argv[0])
        if program is None:
            raise Missing(f"{argv[0]} is not installed")
        try:
            process = subprocess.Popen(
                [program, *argv[1:]],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
            )
        except OSError as error:
            raise Failed(f"{argv[0]} can't be run: {error.strerror}") from error
        output, complaint = _finish(process, argv[0])
        if process.returncode:
            said = complaint.decode(errors="replace").strip().splitlines()
            raise Failed(f"{argv[0]} failed: {said[-1] if said else process.returncode}")
        return output.decode(errors="replace")

    def system_command(self, *argv: str) -> str:
        """`command` for tools of util-linux, which can look at another root."""
        return self.command(*argv, *([] if self.is_running_machine else ["--sysroot", str(self.root)]))

    def _target(self, path: str) -> str | None:
        try:
            return os.readlink(self.root / path)
        except OSError:
            return None


def _finish(process: subprocess.Popen[bytes], name: str) -> tuple[bytes, bytes]:
    try:
        return process.communicate(timeout=COMMAND_DEADLINE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        # A process that hangs on a dead disk doesn't even die: wait for it no longer than this.
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=_KILLED_DEADLINE_S)
        raise Failed(f"{name} did not answer within {COMMAND_DEADLINE_S} s") from None
