# SPDX-License-Identifier: Apache-2.0
"""Simulated hosts beside the real ones."""

from stxlab import hardware, topology
from tests.lab import platform

HOSTS, MORE = 20, 23
SEED = 5


class FleetTest(platform.PlatformTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.addCleanup(self.forget)

    def forget(self) -> None:
        """Power them off, and delete them."""
        self.command("simulate", "--hosts", "0")
        if names := sorted(self.simulated()):
            self.assertEqual(0, self.call("host-delete", *names).returncode)

    def simulated(self) -> dict[str, platform.Row]:
        return {row["hostname"]: row for row in self.rows() if str(row["hostname"]).startswith(topology.Simulated.START)}

    def availabilities(self) -> set[str]:
        return {row["availability"] for row in self.simulated().values()}

    def simulate(self, hosts: int) -> str:
        code, said = self.command("simulate", "--hosts", str(hosts), "--seed", str(SEED))
        self.assertEqual(0, code, said)
        return said

    def test_all_are_online_with_inventory_until_they_are_powered_off_and_more_may_come(self) -> None:
        self.assertIn(f"{HOSTS} hosts are added, 0 were there", self.simulate(HOSTS))
        first = self.simulated()
        self.assertEqual({topology.Simulated(number).name for number in range(HOSTS)}, first.keys())
        self.assertEqual({"online"}, self.availabilities())
        self.assertEqual({("worker", "locked", "disabled")}, {_states(row) for row in first.values()})
        for number in (0, HOSTS - 1):
            host = topology.Simulated(number)
            server = platform.in_short(hardware.server(SEED * 10_000 + number, host.mac))
            self.assertEqual(server, self.inventory(host.name))
        self.assertIn(f"{HOSTS} simulated", self.command("status")[1])

        said = self.simulate(MORE)
        self.assertIn(f"{MORE - HOSTS} hosts are added, {HOSTS} were there", said)
        then = self.simulated()
        self.assertEqual(MORE, len(then))
        self.assertEqual({name: row["uuid"] for name, row in first.items()}, {name: then[name]["uuid"] for name in first})

        self.simulate(0)
        self.assertEqual(set(), self.lab.simulation().group.pids())
        self.assertNotIn("simulated", self.command("status")[1])
        self.wait_for("all are offline", lambda: self.availabilities() == {"offline"}, platform.SILENCE_S)
        self.assertEqual(then.keys(), self.simulated().keys())

    def test_all_that_are_unlocked_at_once_come_into_service(self) -> None:
        self.simulate(HOSTS)
        names = sorted(self.simulated())
        self.assertEqual([200] * HOSTS, self.ask(names, "unlock"))
        in_service = {("worker", "unlocked", "enabled")}
        self.wait_for("all are in service", lambda: set(map(_states, self.simulated().values())) == in_service, 180.0, 0.5)
        self.wait_for("all are available", lambda: self.availabilities() == {"available"})
        self.assertEqual([200] * HOSTS, self.ask(names, "lock"))
        out_of_service = {("worker", "locked", "disabled")}
        self.wait_for("all are locked", lambda: set(map(_states, self.simulated().values())) == out_of_service, 180.0, 0.5)

    def test_a_number_out_of_range_is_refused(self) -> None:
        refusal = f"stx lab simulate: There can be 0 to {topology.MOST_SIMULATED} simulated hosts.\n"
        for number in (-1, topology.MOST_SIMULATED + 1):
            self.assertEqual((1, refusal), self.command("simulate", "--hosts", str(number)))
        self.assertEqual({}, self.simulated())


def _states(row: platform.Row) -> tuple[str, str, str]:
    return row["personality"], row["administrative"], row["operational"]
