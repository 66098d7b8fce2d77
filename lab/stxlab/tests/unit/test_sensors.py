# SPDX-License-Identifier: Apache-2.0
"""The sensors of boards."""

import ddt
from oslotest import base

from stxlab import sensors

CPU, INLET, FAN = sensors.SENSORS


@ddt.ddt
class SensorTest(base.BaseTestCase):
    @ddt.data((84, sensors.OK), (85, sensors.WARNING), (95, sensors.CRITICAL), (105, sensors.FATAL), (255, sensors.FATAL))
    @ddt.unpack
    def test_a_value_at_or_over_a_threshold_is_too_much(self, value: int, health: str) -> None:
        self.assertEqual(health, CPU.health(value))

    @ddt.data((1501, sensors.OK), (1500, sensors.WARNING), (1000, sensors.CRITICAL), (500, sensors.FATAL), (0, sensors.FATAL))
    @ddt.unpack
    def test_a_value_at_or_under_a_lower_threshold_is_too_little(self, value: int, health: str) -> None:
        self.assertEqual(health, FAN.health(value))

    def test_what_is_normal_is_well(self) -> None:
        for sensor in sensors.SENSORS:
            self.assertEqual(sensors.OK, sensor.health(sensor.normal), sensor.name)

    def test_only_values_that_fit_into_a_byte_of_counts_are_taken(self) -> None:
        self.assertEqual(12750, FAN.checked(12750))
        for sensor, value in ((FAN, 12751), (CPU, 256), (CPU, -1)):
            error = self.assertRaises(sensors.SensorError, sensor.checked, value)
            self.assertIn(f"0 to {sensor.most} {sensor.unit}", str(error))

    def test_an_unknown_sensor_is_refused_with_the_names_of_those_that_there_are(self) -> None:
        self.assertIs(FAN, sensors.named("fan-1"))
        self.assertIn("cpu-temp, inlet-temp, fan-1", str(self.assertRaises(sensors.SensorError, sensors.named, "fan-2")))


class RecordTest(base.BaseTestCase):
    """Places of fields: IPMI 2.0, table 43-1, where bytes are counted from 1."""

    def test_a_record_tells_its_own_length_number_and_name(self) -> None:
        for sensor in sensors.SENSORS:
            record = sensors.record(sensor)
            self.assertEqual(len(record) - 5, record[4])
            self.assertEqual([sensor.number, 0, 0x51, 1], list(record[:4]))
            self.assertEqual(sensor.number, record[7])
            self.assertEqual(len(sensor.label), record[47] & 0x1F)
            self.assertEqual(sensor.label.encode(), record[48:])

    def test_thresholds_are_told_in_counts(self) -> None:
        self.assertEqual([105, 95, 85], list(sensors.record(CPU)[36:39]))
        self.assertEqual([52, 47, 42, 1, 3, 5], list(sensors.record(INLET)[36:42]))
        self.assertEqual([10, 20, 30], list(sensors.record(FAN)[39:42]))
        self.assertEqual(50, sensors.record(FAN)[24])

    def test_a_record_tells_which_thresholds_there_are(self) -> None:
        self.assertEqual([0b111000, 0b111111, 0b000111], [sensors.record(sensor)[18] for sensor in sensors.SENSORS])

    def test_rising_over_upper_and_falling_under_lower_thresholds_is_an_event(self) -> None:
        self.assertEqual([0b101010000000, 0b101010010101, 0b000000010101], [sensor.events() for sensor in sensors.SENSORS])
