# SPDX-License-Identifier: Apache-2.0
"""Between the conductor and dnsmasq: notes about leases, the nudge, and a real dnsmasq that serves our files."""

import ipaddress
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import textwrap

import ddt
import fixtures

from stx import testing
from sysinv import boot, boot_files, dnsmasq, leases
from sysinv.tests.unit import base, test_boot_files

ADDRESS = "169.254.202.115"


def mac(number: int) -> str:
    return f"08:00:27:00:01:{number:02x}"


class QueueTest(testing.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.directory = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.now = 1000.0
        self.queue = dnsmasq.Queue(self.directory, lambda: self.now)

    def note(self, name: str, content: str | None = None, at: float = 1000.0) -> pathlib.Path:
        path = self.directory / name
        path.write_text(f"add {name} {ADDRESS} pxeboot\n" if content is None else content)
        os.utime(path, (at, at))
        return path

    def names(self) -> list[str]:
        return sorted(os.listdir(self.directory))

    def test_notes_are_taken_the_oldest_first_and_are_gone(self) -> None:
        for number, at in ((1, 30.0), (2, 10.0), (3, 20.0)):
            self.note(mac(number), at=at)
        self.assertEqual([mac(2), mac(3), mac(1)], [lease.mac for lease in self.queue.take()])
        self.assertEqual([], self.names())
        self.assertEqual([], list(self.queue.take()))

    def test_what_is_not_carried_out_stays(self) -> None:
        self.note(mac(1), at=1.0)
        self.note(mac(2), at=2.0)
        taken = self.queue.take()
        next(taken)
        taken.close()
        self.assertEqual([mac(1), mac(2)], [lease.mac for lease in self.queue.take()])
        self.assertEqual([], self.names())

    def test_a_note_that_comes_while_one_of_the_same_machine_is_carried_out_is_carried_out_too(self) -> None:
        """Meanwhile the machine may have been forgotten."""
        self.note(mac(1))
        taken = self.queue.take()
        next(taken)
        self.note(mac(1))
        self.assertEqual([], list(taken))
        self.assertEqual([mac(1)], [lease.mac for lease in self.queue.take()])
        self.assertEqual([], self.names())

    def test_what_was_noted_of_a_machine_is_forgotten_with_it(self) -> None:
        self.note(mac(1), at=1.0)
        self.note(f"{mac(1)}-{ADDRESS}", f"old {mac(1)} {ADDRESS} \n", at=2.0)
        self.note(mac(2), at=3.0)
        taken = self.queue.take()
        next(taken)
        self.assertTrue(self.queue.is_noted())
        self.queue.forget({mac(1)})
        self.assertFalse(self.queue.is_noted())
        self.assertEqual([mac(2)], [lease.mac for lease in taken])
        self.assertEqual([], self.names())

    def test_a_malformed_note_is_passed_over(self) -> None:
        self.note("x", "nonsense", at=1.0)
        self.note("y", "a" * 100_000, at=2.0)
        self.note(mac(1), at=3.0)
        self.assertEqual([mac(1)], [lease.mac for lease in self.queue.take()])
        self.assertEqual([], self.names())

    def test_what_is_no_file_is_left_alone(self) -> None:
        (self.directory / "inside").mkdir()
        (self.directory / "link").symlink_to("/etc/passwd")
        os.mkfifo(self.directory / "pipe")
        self.assertEqual([], list(self.queue.take()))
        self.assertEqual(["inside", "link", "pipe"], self.names())

    def test_a_note_that_is_being_written_is_left_alone_and_removed_when_nobody_finishes_it(self) -> None:
        self.note(".77")
        self.assertEqual([], list(self.queue.take()))
        self.assertEqual([".77"], self.names())
        self.now += 61
        self.assertEqual([], list(self.queue.take()))
        self.assertEqual([], self.names())

    def test_a_note_that_vanishes_is_no_note(self) -> None:
        self.note(mac(1), at=1.0)
        gone = self.note(mac(2), at=2.0)
        found = []
        for lease in self.queue.take():
            found.append(lease.mac)
            gone.unlink(missing_ok=True)
        self.assertEqual([mac(1)], found)

    def test_a_queue_that_is_not_there_is_empty(self) -> None:
        self.assertEqual([], list(dnsmasq.Queue(self.directory / "gone").take()))


class GiveUpTest(testing.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.path = pathlib.Path(self.useFixture(fixtures.TempDir()).path) / boot.LEASES
        self.released: list[str] = []
        self.useFixture(fixtures.MonkeyPatch("sysinv.dnsmasq.release", lambda lease: self.released.append(lease.address)))

    def test_all_leases_of_a_machine_are_given_up_and_no_others(self) -> None:
        machines = (1, 2, 1)
        self.path.write_text("".join(f"100 {mac(machine)} 10.0.0.{number} * *\n" for number, machine in enumerate(machines)))
        dnsmasq.give_up(self.path, {mac(1), mac(3)})
        self.assertEqual(["10.0.0.0", "10.0.0.2"], self.released)

    def test_where_there_are_none_nothing_is_given_up(self) -> None:
        dnsmasq.give_up(self.path, {mac(1)})
        self.assertEqual([], self.released)

    def test_those_that_cannot_be_read_are_told_in_the_log(self) -> None:
        self.path.mkdir()
        with fixtures.FakeLogger("sysinv.dnsmasq") as log:
            dnsmasq.give_up(self.path, {mac(1)})
        self.assertIn(f"Leases of {mac(1)} stay until they end", log.output)


@ddt.ddt
class HangUpTest(testing.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.directory = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.pid_file = self.directory / "pid"

    def start(self, name: str) -> subprocess.Popen[bytes]:
        """A process that ends at a signal, and is called so."""
        program = self.directory / name
        program.symlink_to(shutil.which("sleep") or "/bin/sleep")
        child = subprocess.Popen([program, "600"])
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        # A new program has its name a moment after it was started.
        base.wait_until(lambda: pathlib.Path(f"/proc/{child.pid}/comm").read_text().strip() == name)
        self.pid_file.write_text(f"{child.pid}\n")
        return child

    def test_dnsmasq_is_told_to_read_its_files_again(self) -> None:
        child = self.start("dnsmasq")
        self.assertTrue(dnsmasq.hang_up(self.pid_file))
        self.assertEqual(-signal.SIGHUP, child.wait(60))

    def test_another_process_with_its_number_is_left_alone(self) -> None:
        child = self.start("postgres")
        self.assertFalse(dnsmasq.hang_up(self.pid_file))
        self.assertIsNone(child.poll())

    @ddt.data(None, "", "x", "0", "-1", "99999999", "1 2", "\x00")
    def test_a_dnsmasq_that_does_not_run_is_no_error(self, content: str | None) -> None:
        if content is not None:
            self.pid_file.write_text(content)
        self.assertFalse(dnsmasq.hang_up(self.pid_file))


# A machine's side of DHCP: what it is given, for each (port, MAC address) that boots.
_MACHINE = """
import random, socket, sys

def ask(port, mac, kind, options=b""):
    number = random.getrandbits(32).to_bytes(4, "big")
    head = b"\\1\\1\\6\\0" + number + b"\\0\\0\\x80\\0" + bytes(16) + bytes.fromhex(mac.replace(":", "")) + bytes(10 + 192)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        link.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, port.encode())
        link.bind(("0.0.0.0", 68))
        link.settimeout(0.2)
        asked = head + b"\\x63\\x82\\x53\\x63\\x35\\1" + bytes([kind]) + b"\\x5d\\2\\0\\7" + options + b"\\xff"
        for _ in range(1000):
            link.sendto(asked, ("255.255.255.255", 67))
            try:
                answer = link.recv(2048)
            except TimeoutError:
                continue
            if answer[4:8] == number:
                return answer[16:20], dict(options_of(answer[240:]))
    raise SystemExit("nobody answers")

def options_of(rest):
    while rest and rest[0] != 255:
        yield rest[0], rest[2 : 2 + rest[1]]
        rest = rest[2 + rest[1] :]

for port, mac in [word.split(",") for word in sys.argv[1:]]:
    address, given = ask(port, mac, 1)
    address, given = ask(port, mac, 3, b"\\x32\\4" + address + b"\\x36\\4" + given[54])
    print(port, mac, socket.inet_ntoa(address), given.get(12, b"").decode())
"""

# Once dnsmasq has begun to listen.
_RELEASE = """
import pathlib, time
from sysinv import dnsmasq, leases

for _ in range(1000):
    freed = leases.in_the_way(dnsmasq.held(pathlib.Path("dnsmasq.leases")), {"192.168.204.10": "ours"})
    if not freed:
        break
    for lease in freed:
        dnsmasq.release(lease)
    time.sleep(0.1)
"""

# Two networks of their own, with the machine at the other end of the cables.
_NETWORKS = """
set -e
unshare -n sleep 300 & machine=$!
trap 'kill $machine $server; wait' EXIT
until [ "$(readlink /proc/$machine/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.02; done
for port in pxeboot mgmt; do
    ip link add $port type veth peer name $port netns $machine
    ip link set $port up
    nsenter -t $machine -n ip link set $port up
done
ip link set lo up
ip address add 169.254.202.2/24 dev pxeboot
ip address add 192.168.204.2/24 dev mgmt
dnsmasq --no-daemon --conf-file=dnsmasq.conf & server=$!
"$RELEASE_WITH" release.py
nsenter -t $machine -n "$@"
"""

_CONFIGURATION = """
port=0
bind-dynamic
interface=pxeboot
interface=mgmt
no-ping
dhcp-range=set:pxeboot,169.254.202.100,169.254.202.199,255.255.255.0,1h
dhcp-range=set:mgmt,192.168.204.0,static,255.255.255.0,1d
dhcp-match=set:efi,option:client-arch,7
dhcp-hostsfile={path}/dnsmasq.hosts
addn-hosts={path}/dnsmasq.addn_hosts
dhcp-script={path}/lease-update.sh
dhcp-leasefile={path}/dnsmasq.leases
"""


def _can_serve() -> bool:
    """Whether this machine has dnsmasq, and lets networks be made."""
    programs = ("dnsmasq", "unshare", "nsenter", "ip")
    probe = ["unshare", "-rn", "unshare", "-n", "true"]
    return all(map(shutil.which, programs)) and subprocess.run(probe, capture_output=True, check=False).returncode == 0


class ServedTest(testing.TestCase):
    """dnsmasq as an installation runs it, on networks of its own."""

    def setUp(self) -> None:
        super().setUp()
        if not _can_serve():
            self.skipTest("dnsmasq is not here, or networks cannot be made")
        self.path = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.queue = self.path / boot.QUEUE
        self.queue.mkdir()
        (self.path / "dnsmasq.conf").write_text(_CONFIGURATION.format(path=self.path))
        (self.path / "machine.py").write_text(textwrap.dedent(_MACHINE))
        named = [test_boot_files.host(mgmt_mac=mac(1))]
        boot.replace(self.path / boot.SCRIPT, leases.script(str(self.queue)), 0o755)
        boot.replace(self.path / boot.HOSTS, boot_files.dnsmasq_hosts(named))
        boot.replace(self.path / boot.NAMES, boot_files.dnsmasq_names(named, *test_boot_files.NETWORKS))

    def boot(self, *machines: str, releases: str = "true") -> list[str]:
        """What machines, each a port and a MAC address, are given.

        :param releases: what calls release.py before
        """
        done = subprocess.run(
            ["unshare", "-rn", "sh", "-c", _NETWORKS, "sh", sys.executable, "machine.py", *machines],
            cwd=self.path,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "RELEASE_WITH": releases},
        )
        self.assertEqual(0, done.returncode, done.stderr)
        return done.stdout.splitlines()

    def test_a_machine_on_the_network_for_installation_is_noted_and_a_named_one_gets_its_name_and_address(self) -> None:
        (noted, named) = self.boot(f"pxeboot,{mac(7)}", f"mgmt,{mac(1)}")
        self.assertEqual(f"mgmt {mac(1)} 192.168.204.10 compute-0", named)
        # dnsmasq calls the script when it has answered.
        base.wait_until(lambda: os.listdir(self.queue))
        (lease,) = dnsmasq.Queue(self.queue).take()
        self.assertEqual(noted.split()[:3], ["pxeboot", lease.mac, lease.address])
        self.assertEqual(("add", ("efi", "pxeboot")), (lease.action, lease.tags))
        self.assertTrue(leases.discovers(lease, ipaddress.ip_network("169.254.202.0/24")))

    def test_an_address_that_another_machine_had_is_free_for_the_one_that_has_it_now(self) -> None:
        self.assertEqual([f"mgmt {mac(1)} 192.168.204.10 compute-0"], self.boot(f"mgmt,{mac(1)}"))
        (self.path / "release.py").write_text(textwrap.dedent(_RELEASE))
        boot.replace(self.path / boot.HOSTS, boot_files.dnsmasq_hosts([test_boot_files.host(mgmt_mac=mac(2))]))
        self.assertEqual([f"mgmt {mac(2)} 192.168.204.10 compute-0"], self.boot(f"mgmt,{mac(2)}", releases=sys.executable))


@ddt.ddt
class LeasesTest(testing.TestCase):
    def test_leases_are_read_and_what_is_none_is_passed_over(self) -> None:
        text = f"1795814756 {mac(3)} 192.168.200.10 compute-1 ff:41\n1795732188 {mac(3)} 169.254.202.124 * *\nduid 00:01\n1 2 3\n"
        found = [leases.Held(mac(3), "192.168.200.10", b"\xff\x41"), leases.Held(mac(3), "169.254.202.124")]
        self.assertEqual(found, leases.held(text))

    @ddt.data((mac(1), []), (mac(2), ["192.168.204.10"]))
    @ddt.unpack
    def test_a_lease_is_in_the_way_of_another_machine_only(self, owner: str, freed: list[str]) -> None:
        kept = [leases.Held(mac(1), "192.168.204.10"), leases.Held(mac(1), "169.254.202.7")]
        self.assertEqual(freed, [each.address for each in leases.in_the_way(kept, {"192.168.204.10": owner})])

    def test_without_a_file_there_are_none(self) -> None:
        self.assertEqual([], dnsmasq.held(pathlib.Path("/nowhere")))
