# SPDX-License-Identifier: Apache-2.0
"""What is on the disks of a lab's hosts when they are new: Debian, the packages that hosts need, and this project.

Three layers, each kept until what it is made of changes: the system, the Python packages, the project itself. Only the last one is
made anew when a line of code has changed, which takes seconds.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from stxlab import enter

SUITE = "bookworm"
PACKAGES = (
    *("ca-certificates", "curl", "dbus", "ethtool", "iproute2", "iputils-ping", "kmod", "less", "libnss-myhostname"),
    *("lldpd", "netcat-openbsd", "openssh-client", "pciutils", "procps", "python3", "python3-venv", "systemd", "systemd-sysv"),
    *("dnsmasq-base", "nftables", "postgresql", "rabbitmq-server", "rsync"),
)
EXTRAS = "boards,keystone,openstack,postgresql,snmp"
FILES = Path(__file__).parent / "image"
# Lets a host's wall clock be wrong; made from clock.c.
CLOCK = "/usr/local/lib/stxlab/clock.so"
DEADLINE_S = 1800.0
# How long a layer stays that is out of date.
KEPT_S = 86400.0
# What decides which Python packages there are.
_REQUIREMENTS = ("setup.cfg", "constraints.txt", "pyproject.toml")
_VENV = "/opt/starlingx"
# What is built ends with who builds it, also when that is killed.
_WITH_US = ("setpriv", "--pdeathsig", "KILL", "unshare", "--pid", "--fork", "--kill-child", "--mount", "--mount-proc")
# Made by the project's own tools, and changed at every run.
_NO_SOURCE = frozenset(
    {".git", ".venv", ".tox", ".stestr", "build", "dist", "__pycache__", ".mypy_cache", ".ruff_cache", ".hypothesis"}
)

# Units that a container has no use for, or that run only where something else starts them.
_MASKED = ("systemd-remount-fs.service", "getty.target", "console-getty.service", "systemd-logind.service")
_DISABLED = (
    *("dnsmasq.service", "postgresql.service", "rabbitmq-server.service", "e2scrub_reap.service"),
    *(
        "apt-daily.timer",
        "apt-daily-upgrade.timer",
        "e2scrub_all.timer",
        "fstrim.timer",
        "dpkg-db-backup.timer",
        "logrotate.timer",
    ),
)

_IN_CHROOT = """
set -e
umask 022
mkdir -p "$TARGET"
mount -t overlay layer -o "lowerdir=$LOWER,upperdir=$UPPER,workdir=$WORK" "$TARGET"
mount -t proc proc "$TARGET/proc"
mount -t tmpfs tmpfs "$TARGET/tmp"
mount --rbind /dev "$TARGET/dev"
mkdir -p "$TARGET/tmp/cache" "$CACHE" "$TARGET/tmp/source"
mount --bind "$CACHE" "$TARGET/tmp/cache"
cp "$UV" "$TARGET/tmp/uv"
cp -r "$SOURCE/." "$TARGET/tmp/source"
cat /etc/resolv.conf > "$TARGET/tmp/resolv.conf"
touch "$TARGET/etc/resolv.conf"
mount --bind "$TARGET/tmp/resolv.conf" "$TARGET/etc/resolv.conf"
cp /etc/ssl/certs/ca-certificates.crt "$TARGET/tmp/ca.crt"
exec chroot "$TARGET" /bin/sh -euc "$SCRIPT"
"""

Say = Callable[[str], None]


class Image:
    """The image made of a checkout.

    :param root: the checkout
    :param cache: where layers are kept
    """

    def __init__(self, root: Path, cache: Path, say: Say) -> None:
        self.root = root
        self._cache = cache
        self._say = say
        self._log = cache / "build.log"

    def layers(self) -> list[Path]:
        """The layers' directories, the topmost first, whether they are there or not."""
        base = _digest([SUITE, *PACKAGES, *_MASKED, *_DISABLED, _prepare_script()])
        packages = _digest([base, EXTRAS, *(self.root.joinpath(name).read_text() for name in _REQUIREMENTS)])
        project = _digest([packages, *self._sources()])
        names = (f"project-{project}", f"packages-{packages}", f"system-{base}")
        return [self._cache / name for name in names]

    def is_fresh(self) -> bool:
        return all(layer.is_dir() for layer in self.layers())

    def build(self, kept: Sequence[Path] = ()) -> list[Path]:
        """Make the layers that are missing. Two calls at once take turns. Gives the layers, the topmost first.

        :param kept: layers that are out of date but must stay

        :raises RunError: when it does not work; the log has all that was said
        """
        self._cache.mkdir(parents=True, exist_ok=True)
        with self._turn():
            # Of builds that were killed.
            for left in self._cache.glob("new-*"):
                shutil.rmtree(left, ignore_errors=True)
            project, packages, system = layers = self.layers()
            if not system.is_dir():
                self._say("building the system, which takes a few minutes")
                self._make(system, self._build_system)
            if not packages.is_dir():
                self._say("installing Python packages")
                self._make(packages, lambda upper: self._in_chroot([system], upper, _PACKAGES_SCRIPT))
            if not project.is_dir():
                self._say("installing the project")
                self._make(project, lambda upper: self._in_chroot([packages, system], upper, _PROJECT_SCRIPT))
            self._forget({*layers, *kept})
            return layers

    def _build_system(self, target: Path) -> None:
        # Not minbase's variant alone: what is wanted beside it is installed in the second step, when dpkg is set up.
        self._run(["debootstrap", "--variant=minbase", SUITE, str(target)])
        self._run(["chroot", str(target), "/bin/sh", "-euc", _prepare_script()], DEBIAN_FRONTEND="noninteractive", RUNLEVEL="1")

    def _in_chroot(self, lower: Sequence[Path], upper: Path, script: str) -> None:
        work, target, source = (upper.with_name(f"{upper.name}-{name}") for name in ("work", "root", "source"))
        for directory in (work, target, source):
            directory.mkdir()
        try:
            self._copy_source(source)
            self._run(
                ["/bin/sh", "-c", _IN_CHROOT],
                SCRIPT=script,
                LOWER=":".join(str(layer) for layer in lower),
                UPPER=str(upper),
                WORK=str(work),
                TARGET=str(target),
                SOURCE=str(source),
                CACHE=str(self._cache / "wheels"),
                UV=str(Path(sys.executable).parent / "uv"),
                UV_CACHE_DIR="/tmp/cache",
                SSL_CERT_FILE="/tmp/ca.crt",
                UV_LINK_MODE="copy",
            )
        finally:
            for directory in (work, target, source):
                shutil.rmtree(directory, ignore_errors=True)

    def _make(self, layer: Path, build: Callable[[Path], None]) -> None:
        """Build a layer beside its place, and put it there when it is complete."""
        new = layer.with_name(f"new-{uuid.uuid4().hex[:8]}")
        new.mkdir(mode=0o755)
        new.chmod(0o755)
        try:
            build(new)
            new.replace(layer)
        finally:
            shutil.rmtree(new, ignore_errors=True)

    def _forget(self, kept: set[Path]) -> None:
        """Remove layers that are out of date, unless a host runs over them, or one that is off may do so again."""
        in_use, now = _mounted_layers(), time.time()
        for path in kept:
            os.utime(path)
        for path in self._cache.iterdir():
            is_layer = path.name.startswith(("project-", "packages-", "system-"))
            is_old = now - path.stat().st_mtime > KEPT_S
            if is_layer and is_old and path not in kept and str(path) not in in_use:
                shutil.rmtree(path, ignore_errors=True)

    def _run(self, argv: Sequence[str], **environment: str) -> None:
        if shutil.which(argv[0]) is None:
            raise enter.RunError(f"{argv[0]} is not installed. `stx lab build` installs what a lab needs.")
        with self._log.open("ab") as log:
            log.write(f"\n$ {' '.join(argv)[:200]}\n".encode())
            log.flush()
            try:
                code = subprocess.run(
                    [*_WITH_US, *argv],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env={**os.environ, **environment},
                    timeout=DEADLINE_S,
                    umask=0o022,
                    check=False,
                ).returncode
            except subprocess.TimeoutExpired:
                raise enter.RunError(f"{argv[0]} did not end within {DEADLINE_S:g} s. See {self._log}.") from None
        if code:
            tail = "\n".join(f"    {line}" for line in self._log.read_text(errors="replace").splitlines()[-15:])
            raise enter.RunError(f"The image was not built. The last lines of {self._log}:\n{tail}")

    @contextmanager
    def _turn(self) -> Iterator[None]:
        with (self._cache / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._say("another call is building the image; waiting for it")
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _files(self) -> list[Path]:
        """The files that the project is installed from."""
        found = []
        for place, directories, names in os.walk(self.root):
            directories[:] = sorted(
                name for name in directories if name not in _NO_SOURCE and not name.endswith(".egg-info") and name != "tests"
            )
            found += [Path(place, name) for name in sorted(names) if not name.endswith((".pyc", ".log"))]
        return [path for path in found if not path.relative_to(self.root).parts[0].startswith((".", "doc", "releasenotes"))]

    def _sources(self) -> Iterator[str]:
        for path in self._files():
            yield str(path.relative_to(self.root))
            yield os.readlink(path) if path.is_symlink() else hashlib.sha256(path.read_bytes()).hexdigest()

    def _copy_source(self, target: Path) -> None:
        for path in self._files():
            copy = target / path.relative_to(self.root)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, copy, follow_symlinks=False)


def _digest(parts: Sequence[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _prepare_script() -> str:
    return f"""
apt-get update
apt-get install --yes --no-install-recommends {" ".join(PACKAGES)} gcc
mkdir -p {os.path.dirname(CLOCK)}
gcc -shared -fPIC -O2 -ffreestanding -nostdlib -x c -o {CLOCK} - <<'END'
{FILES.joinpath("clock.c").read_text()}
END
echo {CLOCK} > /etc/ld.so.preload
apt-get purge --yes --auto-remove gcc
apt-get clean
rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /usr/share/doc /usr/share/man /usr/share/locale
systemctl mask {" ".join(_MASKED)}
for unit in {" ".join(_DISABLED)}; do systemctl disable "$unit" || true; done
systemctl enable systemd-networkd.service
systemctl set-default multi-user.target
rm -f /etc/machine-id /etc/hostname /var/lib/dbus/machine-id /etc/ssh/ssh_host_*
touch /etc/machine-id
echo 'localhost' > /etc/hostname
"""


_UV = f"/tmp/uv pip install --quiet --compile-bytecode --python {_VENV}/bin/python"
_PACKAGES_SCRIPT = f"""
python3 -m venv --without-pip {_VENV}
cd /tmp/source
# The requirements alone: the project comes in its own layer.
{_UV} --constraints constraints.txt --extra {EXTRAS.replace(",", " --extra ")} --requirements setup.cfg
"""
_PROJECT_SCRIPT = f"""
cd /tmp/source
{_UV} --no-deps .
cp -rT lab/stxlab/image/files /

"""


def _mounted_layers() -> set[str]:
    """Directories that are a layer of some file system, in any mount name space."""
    found: set[str] = set()
    for path in Path("/proc").glob("[0-9]*/mountinfo"):
        try:
            lines = path.read_text().splitlines()
        except OSError:
            continue
        for line in lines:
            _, _, options = line.partition("lowerdir=")
            found.update(options.split(",")[0].split(":"))
    return found
