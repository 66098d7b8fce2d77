# SPDX-License-Identifier: Apache-2.0
"""Tests of what the Ironic peer does before Ironic itself runs."""

import configparser
import pathlib
import tempfile

from oslotest import base

from bench.peers import ironic


class IronicPeerTest(base.BaseTestCase):
    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def installed(self, python: str) -> pathlib.Path:
        """A cache that claims a finished environment with this program as its Python."""
        path = ironic.environment_path(self.folder, ironic.REQUIREMENTS.read_text())
        (path / "bin").mkdir(parents=True)
        (path / "bin" / "python").symlink_to(python)
        (path / "complete").touch()
        return path

    def test_other_requirements_get_another_environment(self):
        paths = {ironic.environment_path(self.folder, text) for text in ("a==1", "a==2", "a==1")}
        self.assertEqual(2, len(paths))

    def test_a_finished_environment_is_used_as_it_is(self):
        path = self.installed("/bin/false")
        self.assertEqual(path / "bin", ironic.environment(self.folder))
        self.assertEqual(["bin", "complete"], sorted(entry.name for entry in path.iterdir()))

    def test_the_api_serves_one_process_on_loopback_without_authentication(self):
        conf = configparser.ConfigParser()
        conf.read_string(ironic.configuration(self.folder, 4711))
        self.assertEqual("noauth", conf["DEFAULT"]["auth_strategy"])
        self.assertEqual(f"sqlite:///{self.folder}/ironic.sqlite", conf["database"]["connection"])
        self.assertEqual("127.0.0.1", conf["api"]["host_ip"])
        self.assertEqual("4711", conf["api"]["port"])
        self.assertEqual("1", conf["api"]["api_workers"])

    def test_a_failed_preparation_names_the_log(self):
        self.installed("/bin/false")
        peer = ironic.IronicPeer(self.folder, 1, self.folder)
        error = self.assertRaises(ironic.PeerError, peer.__enter__)
        (log,) = self.folder.glob("*/ironic.log")
        self.assertEqual(f"The Ironic peer could not be prepared: see {log}.", str(error))

    def test_an_api_that_ends_at_once_is_told(self):
        self.installed("/bin/true")
        peer = ironic.IronicPeer(self.folder, 1, self.folder)
        error = self.assertRaises(ironic.PeerError, peer.__enter__)
        self.assertIn("did not come up", str(error))

    def test_a_peer_that_is_not_running_has_no_processes(self):
        peer = ironic.IronicPeer(self.folder, 1, self.folder)
        self.assertRaises(ironic.PeerError, lambda: peer.process_group)
