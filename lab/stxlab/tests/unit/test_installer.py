# SPDX-License-Identifier: Apache-2.0
"""What a blank host makes of a boot file."""

from oslotest import base

from stxlab import installer

BOOT_FILE = """\
default worker
label worker
  kernel vmlinuz
  append initrd=initrd.img inst.text console=ttyS0,115200 tisnotify=http://controller:6385/v1/ihosts/x/install_progress \
stx.personality=worker stx.hostname=compute-0
"""


class ParseTest(base.BaseTestCase):
    def test_the_arguments_of_the_kernel_are_read(self) -> None:
        found = installer.parse(BOOT_FILE)
        self.assertEqual(
            ("compute-0", "worker", ""), tuple(found[name] for name in ("stx.hostname", "stx.personality", "inst.text"))
        )
        self.assertEqual("ttyS0,115200", found["console"])

    def test_a_file_without_arguments_has_none(self) -> None:
        self.assertEqual({}, installer.parse("prompt 0\ntimeout 100\n"))
