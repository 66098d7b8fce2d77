# SPDX-License-Identifier: Apache-2.0

from mtce.pmon.conf import ProcessConf, Subfunction
from mtce.pmon.gates import Gates
from mtce.tests.unit.pmon.harness import DirectoryTest


class GatesTest(DirectoryTest):
    def gates(self, *subfunctions: str) -> Gates:
        return Gates(self.directory, subfunctions)

    def test_without_a_subfunction_the_gate_is_open(self) -> None:
        self.assertTrue(self.gates("controller").is_open(ProcessConf("x")))

    def test_a_subfunction_waits_for_its_own_flag(self) -> None:
        gates = self.gates("controller", "worker")
        self.write(".controller_config_complete", "")
        self.assertFalse(gates.is_open(ProcessConf("x", subfunction=Subfunction.WORKER)))
        self.write(".worker_config_complete", "")
        self.assertTrue(gates.is_open(ProcessConf("x", subfunction=Subfunction.WORKER)))
        self.assertFalse(gates.is_open(ProcessConf("x", subfunction=Subfunction.STORAGE)))

    def test_the_last_configuration_is_that_of_the_last_subfunction_of_the_host(self) -> None:
        conf = ProcessConf("x", subfunction=Subfunction.LAST_CONFIG)
        self.write(".controller_config_complete", "")
        self.assertTrue(self.gates("controller").is_open(conf))
        self.assertFalse(self.gates("worker", "controller").is_open(conf))
        self.write(".worker_config_complete", "")
        self.assertTrue(self.gates("worker", "controller").is_open(conf))
        self.assertFalse(self.gates("storage").is_open(conf))

    def test_a_host_with_two_functions_is_initialised_when_both_are(self) -> None:
        self.assertFalse(self.gates("controller").is_initialised())
        self.write("goenabled", "")
        self.assertTrue(self.gates("controller").is_initialised())
        self.assertFalse(self.gates("controller", "worker").is_initialised())
        self.write("goenabled_subf", "")
        self.assertTrue(self.gates("controller", "worker").is_initialised())

    def test_patching_is_told_by_its_flag(self) -> None:
        self.assertFalse(self.gates().is_patching())
        self.write("patch_installing", "")
        self.assertTrue(self.gates().is_patching())
