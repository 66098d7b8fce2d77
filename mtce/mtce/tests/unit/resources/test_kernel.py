# SPDX-License-Identifier: Apache-2.0
"""What is read from the kernel's files."""

from oslotest import base

from mtce.resources import kernel
from mtce.resources.kernel import Times

STAT = """cpu  100 0 100 700 100 0 0 0 50 0
cpu0 50 0 50 100 0 0 0 0 0 0
cpu1 50 0 50 600 100 0 0 0 50 0
intr 1 2 3
"""
MEMINFO = """MemTotal:       10000 kB
MemFree:         1000 kB
MemAvailable:    2000 kB
HugePages_Total:       1
Hugetlb:         2000 kB
"""
FILESYSTEMS = "nodev\tsysfs\nnodev\ttmpfs\nnodev\toverlay\nnodev\tzfs\n\text4\n\txfs\n\tsquashfs\n\tvfat\n"
PSEUDO = kernel.pseudo_kinds(FILESYSTEMS)


def mounts(*lines: str) -> list[str]:
    """Where file systems are that fill up.

    :param lines: device, root, place, options and kind of each mount
    """
    text = ""
    for line in lines:
        device, root, place, options, kind = line.split(" ")
        text += f"30 1 {device} {root} {place} {options} shared:1 master:2 - {kind} /dev/x rw\n"
    return kernel.file_systems(kernel.mounts(text), PSEUDO)


class CpuTest(base.BaseTestCase):
    def test_waiting_for_disks_is_no_use_and_guests_count_once(self) -> None:
        self.assertEqual(Times(1000, 800), kernel.times(STAT, []))

    def test_only_the_platform_s_processors_count(self) -> None:
        self.assertEqual(Times(200, 100), kernel.times(STAT, [0]))
        self.assertEqual(Times(1000, 800), kernel.times(STAT, [0, 1]))
        self.assertIsNone(kernel.times(STAT, [7]))

    def test_use_is_what_was_not_idle_since_the_last_look(self) -> None:
        self.assertEqual(75.0, Times(1100, 825).busy_percent(Times(1000, 800)))
        self.assertEqual(100.0, Times(1100, 799).busy_percent(Times(1000, 800)))
        self.assertIsNone(Times(1000, 800).busy_percent(Times(1000, 800)))


class MemoryTest(base.BaseTestCase):
    def test_huge_pages_are_neither_used_nor_free(self) -> None:
        self.assertEqual(75.0, kernel.memory_percent(MEMINFO))

    def test_what_cannot_be_read_is_unknown(self) -> None:
        self.assertIsNone(kernel.memory_percent(""))


class FileSystemsTest(base.BaseTestCase):
    def test_those_with_a_device_count_others_do_not(self) -> None:
        found = mounts("8:1 / / rw ext4", "0:5 / /run rw tmpfs", "0:6 / /sys rw sysfs", "8:2 / /var rw,noatime xfs")
        self.assertEqual(["/", "/var"], found)

    def test_images_and_what_is_read_only_are_full_by_nature(self) -> None:
        self.assertEqual([], mounts("7:1 / /snap rw squashfs", "8:1 / /boot ro,relatime ext4"))

    def test_one_that_the_kernel_made_read_only_is_too(self) -> None:
        text = "30 1 8:1 / /data rw - ext4 /dev/sda1 ro,errors=remount-ro\n"
        self.assertEqual([], kernel.file_systems(kernel.mounts(text), PSEUDO))

    def test_one_that_is_mounted_twice_counts_once_where_all_of_it_is(self) -> None:
        self.assertEqual(
            ["/var/lib/data"], mounts("8:1 /logs /log rw ext4", "8:1 / /var/lib/data rw ext4", "8:1 / /var/lib/data/b rw ext4")
        )

    def test_of_two_at_one_place_the_later_one_counts(self) -> None:
        self.assertEqual([], mounts("8:1 / /mnt rw ext4", "0:9 / /mnt rw tmpfs"))

    def test_the_overlay_that_a_host_runs_from_counts_those_of_containers_do_not(self) -> None:
        self.assertEqual(["/"], mounts("0:30 / / rw overlay", "0:31 / /var/lib/containers/x/merged rw overlay"))

    def test_zfs_counts(self) -> None:
        self.assertEqual(["/tank"], mounts("0:40 / /tank rw zfs"))

    def test_names_are_as_they_are_written(self) -> None:
        self.assertEqual(["/a b"], mounts(r"8:1 / /a\040b rw ext4"))

    def test_lines_that_are_none_are_passed_over(self) -> None:
        self.assertEqual([], kernel.mounts("\nnonsense\n1 2 3 - x\n"))

    def test_use_is_as_df_has_it(self) -> None:
        self.assertEqual(75.0, kernel.use_percent(blocks=1000, free=400, available=200))
        self.assertEqual(0.0, kernel.use_percent(blocks=0, free=0, available=0))
