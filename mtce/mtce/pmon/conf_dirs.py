# SPDX-License-Identifier: Apache-2.0
"""Reads the drop-in directories."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from mtce.pmon import conf, small_file
from mtce.pmon.conf import Problem, ProcessConf


def read(directories: Sequence[Path], current: Mapping[str, ProcessConf]) -> tuple[dict[str, ProcessConf], list[Problem]]:
    """The processes of all `*.conf` files, by name, in order of directory and file name, and what is wrong with the files.

    :param current: processes watched now; one whose file has become bad is watched on as before
    """
    by_path = {process.path: process for process in current.values()}
    confs: list[ProcessConf] = []
    problems: list[Problem] = []
    for path in _files(directories):
        process, found = _read_file(path)
        problems += found
        process = process or by_path.get(str(path))
        if process is not None:
            confs.append(process)
    chosen, clashes = conf.combine(confs)
    return chosen, problems + clashes


def _files(directories: Sequence[Path]) -> Iterable[Path]:
    for directory in directories:
        if directory.is_dir():
            yield from sorted(directory.glob("*.conf"))


def _read_file(path: Path) -> tuple[ProcessConf | None, list[Problem]]:
    try:
        content, _ = small_file.read(path, conf.MAX_FILE_BYTES + 1)
    except OSError as error:
        return None, [Problem(str(path), "", f"it cannot be read: {error.strerror}. Correct or remove it.")]
    return conf.parse(str(path), content)
