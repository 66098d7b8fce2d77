# SPDX-License-Identifier: Apache-2.0
"""The files that hosts boot by follow the database."""

import functools
import os
import pathlib
from typing import Any

import fixtures

from stx import exception, testing
from sysinv import boot, boot_files
from sysinv.db import api as db_api
from sysinv.tests.unit import base

OURS = f"{boot_files.MARK}old\n"


class PublisherCase(base.SystemTest):
    def setUp(self) -> None:
        super().setUp()
        self.dnsmasq = self.platform.path / "dnsmasq"
        self.pxelinux = self.platform.path / "tftp" / "pxelinux.cfg"
        self.configure(dnsmasq_path=str(self.dnsmasq), tftp_path=str(self.platform.path / "tftp"))
        self.told: list[pathlib.Path] = []
        self.useFixture(fixtures.MonkeyPatch("sysinv.dnsmasq.hang_up", self.told.append))
        self.now = 100.0
        self.publisher = boot.Publisher(lambda: self.now)

    def configure(self, **options: Any) -> None:
        self.platform.conf.config(group="sysinv_conductor", **options)

    def step(self) -> None:
        """A step after a change of hosts."""
        self.publisher.nudge()
        self.publisher.step()

    def read(self, name: str) -> list[str]:
        return (self.dnsmasq / name).read_text().splitlines()

    def pxelinux_names(self) -> list[str]:
        return sorted(os.listdir(self.pxelinux))


class PublishTest(PublisherCase):
    def test_at_first_the_files_are_made_as_the_database_says(self) -> None:
        self.create(1)
        self.publisher.step()
        self.assertEqual(
            ["controller-0,192.168.204.3", "08:00:27:00:01:01,compute-0,192.168.204.10,1d"], self.read("dnsmasq.hosts")
        )
        names = [
            "192.168.204.2 controller",
            "169.254.202.2 pxecontroller",
            "192.168.204.3 controller-0",
            "192.168.204.10 compute-0",
        ]
        self.assertEqual(names, self.read("dnsmasq.addn_hosts"))
        self.assertEqual(["01-08-00-27-00-01-01", "default"], self.pxelinux_names())
        self.assertTrue((self.dnsmasq / "leases").is_dir())

    def test_dnsmasq_can_read_them_and_run_its_script_whatever_the_umask(self) -> None:
        self.addCleanup(os.umask, os.umask(0o077))
        self.create(1)
        self.publisher.step()
        modes = {
            self.dnsmasq: 0o755,
            self.dnsmasq / "leases": 0o755,
            self.dnsmasq / "lease-update.sh": 0o755,
            self.dnsmasq / "dnsmasq.hosts": 0o644,
            self.dnsmasq / "dnsmasq.addn_hosts": 0o644,
            self.pxelinux: 0o755,
            self.pxelinux / "default": 0o644,
            self.pxelinux / "01-08-00-27-00-01-01": 0o644,
        }
        self.assertEqual(modes, {path: path.stat().st_mode & 0o777 for path in modes})

    def test_dnsmasq_is_told_at_first_and_of_changes_only(self) -> None:
        self.configure(dnsmasq_pid_file="/run/x.pid")
        for _ in range(3):
            self.step()
        self.assertEqual([pathlib.Path("/run/x.pid")], self.told)
        self.create(1)
        self.create(2)
        self.step()
        self.assertEqual(2, len(self.told))

    def test_a_file_that_says_the_same_is_not_written_again(self) -> None:
        self.create(1)
        self.step()
        paths = [*self.dnsmasq.glob("*.*"), *self.pxelinux.iterdir()]
        before = [path.stat().st_ino for path in paths]
        self.step()
        self.assertEqual(before, [path.stat().st_ino for path in paths])

    def test_a_host_that_is_deleted_is_gone_from_the_files(self) -> None:
        made = self.create(1)
        self.step()
        self.conductor.delete_host(self.context, made["uuid"])
        self.step()
        self.assertEqual(["controller-0,192.168.204.3"], self.read("dnsmasq.hosts"))
        self.assertEqual(["default"], self.pxelinux_names())

    def test_a_host_that_is_installed_is_not_installed_again(self) -> None:
        made = self.create(1)
        self.step()
        self.conductor.report_install_progress(self.context, made["uuid"], "installed", None)
        self.step()
        self.assertEqual(["default"], self.pxelinux_names())
        self.assertIn("08:00:27:00:01:01,compute-0,192.168.204.10,1d", self.read("dnsmasq.hosts"))

    def test_no_installers_word_has_a_host_installed_again_that_came_online(self) -> None:
        made = self.create(1)
        for word in ("installed", "preinstall", "failed"):
            self.conductor.update_host_states(self.context, {"compute-0": {"availability": "online"}})
            tell = functools.partial(self.conductor.report_install_progress, self.context, made["uuid"], word, None)
            self.assert_raises_with(exception.Conflict, "It is not being installed.", tell)
            self.conductor.update_host_states(self.context, {"compute-0": {"availability": "offline"}})
            self.step()
            self.assertEqual(["default"], self.pxelinux_names(), word)

    def test_a_discovered_host_has_no_file_before_it_has_a_personality(self) -> None:
        db_api.create_host(base.discovered_row())
        self.step()
        self.assertEqual(["default"], self.pxelinux_names())
        self.conductor.update_host(self.context, db_api.all_hosts()[-1]["uuid"], {"personality": "worker"})
        self.step()
        self.assertEqual([boot_files.pxelinux_name(base.MAC), "default"], self.pxelinux_names())

    def test_a_setting_that_changes_is_in_the_file(self) -> None:
        made = self.create(1)
        self.step()
        self.conductor.update_host(self.context, made["uuid"], {"rootfs_device": "nvme0n1"})
        self.step()
        self.assertIn("rootfs_device=nvme0n1", (self.pxelinux / "01-08-00-27-00-01-01").read_text())

    def test_what_somebody_else_put_there_stays(self) -> None:
        self.pxelinux.mkdir(parents=True)
        mine = {"01-02-00-00-00-00-01": "LABEL mine\n", "default": "LABEL other\n", "notes": OURS, "01-02-00-00-00-00-02": OURS}
        for name, content in mine.items():
            (self.pxelinux / name).write_text(content)
        (self.pxelinux / "01-02-00-00-00-00-03").mkdir()
        (self.pxelinux / "01-02-00-00-00-00-04").write_bytes(b"\xff\xfe")
        self.step()
        del mine["01-02-00-00-00-00-02"]
        self.assertEqual(sorted([*mine, "01-02-00-00-00-00-03", "01-02-00-00-00-00-04"]), self.pxelinux_names())
        self.assertEqual(mine, {name: (self.pxelinux / name).read_text() for name in mine})

    def test_each_directory_is_optional(self) -> None:
        self.configure(tftp_path="")
        self.step()
        self.assertFalse(self.pxelinux.exists())
        self.configure(tftp_path=str(self.platform.path / "tftp"), dnsmasq_path=str(self.platform.path / "none"))
        self.configure(dnsmasq_path="")
        self.step()
        self.assertTrue(self.pxelinux.exists())
        self.assertFalse((self.platform.path / "none").exists())


class WhenTest(PublisherCase):
    """When the files are looked at."""

    def hosts_file(self) -> pathlib.Path:
        return self.dnsmasq / "dnsmasq.hosts"

    def test_without_a_change_they_are_looked_at_once_a_minute(self) -> None:
        self.publisher.step()
        self.hosts_file().unlink()
        self.now += boot.CHECK_S - 1
        self.publisher.step()
        self.assertFalse(self.hosts_file().exists())
        self.now += 1
        self.publisher.step()
        self.assertTrue(self.hosts_file().exists())

    def test_a_change_that_comes_while_they_are_written_is_written_next(self) -> None:
        read = db_api.all_hosts

        def interrupted() -> list[dict[str, Any]]:
            found = read()
            self.publisher.nudge()
            return found

        with fixtures.MonkeyPatch("sysinv.db.api.all_hosts", interrupted):
            self.publisher.step()
        self.hosts_file().unlink()
        self.publisher.step()
        self.assertTrue(self.hosts_file().exists())

    def test_a_directory_that_cannot_be_made_is_tried_again_later(self) -> None:
        self.dnsmasq.touch()
        self.publisher.step()
        self.dnsmasq.unlink()
        self.now += boot.RETRY_S - 1
        self.publisher.step()
        self.assertFalse(self.dnsmasq.exists())
        self.now += 1
        self.publisher.step()
        self.assertTrue(self.hosts_file().exists())
        self.assertEqual(1, len(self.told))

    def test_a_database_that_is_away_is_asked_again_at_the_next_step(self) -> None:
        def away() -> list[dict[str, Any]]:
            raise boot_away

        boot_away = RuntimeError("away")
        self.publisher.step()
        self.hosts_file().unlink()
        self.publisher.nudge()
        with fixtures.MonkeyPatch("sysinv.db.api.all_hosts", away):
            self.assertRaises(RuntimeError, self.publisher.step)
        self.publisher.step()
        self.assertTrue(self.hosts_file().exists())


class ReplaceTest(testing.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.path = pathlib.Path(self.useFixture(fixtures.TempDir()).path) / "file"

    def test_it_says_whether_the_content_is_another(self) -> None:
        self.assertEqual([True, False, True], [boot.replace(self.path, content) for content in ("a", "a", "b")])
        self.assertEqual("b", self.path.read_text())

    def test_nothing_else_stays_behind(self) -> None:
        boot.replace(self.path, "a")
        self.path.unlink()
        self.path.mkdir()
        self.assertRaises(OSError, boot.replace, self.path, "a")
        self.assertEqual(["file"], os.listdir(self.path.parent))
