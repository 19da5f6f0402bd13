"""The device table."""

import pytest

from prober.simulator.activesync.devices import BLOCKED, Devices, TooManyDevicesError, fresh


def test_a_device_is_one_of_its_mailbox() -> None:
    """The same id with another mailbox is another device."""
    devices = Devices()
    assert devices.get("A@x.test", "d", "t") is devices.get("a@x.test", "d", "t")
    assert devices.get("a@x.test", "d", "t") is not devices.get("b@x.test", "d", "t")
    assert len(list(devices.of("a@x.test"))) == 1


def test_a_mailbox_has_so_many_partnerships() -> None:
    """Each mailbox by itself; a known device stays welcome."""
    devices = Devices(partnerships=2)
    for name in ("1", "2"):
        devices.get("a@x.test", name, "t")
    with pytest.raises(TooManyDevicesError):
        devices.get("a@x.test", "3", "t")
    assert devices.get("a@x.test", "1", "t")
    assert devices.get("b@x.test", "3", "t")


def test_a_rule_holds_for_a_type() -> None:
    """Also for devices there are already."""
    devices = Devices()
    device = devices.get("a@x.test", "1", "Phone")
    devices.rules["Phone"] = BLOCKED
    assert devices.get("a@x.test", "1", "Phone").access == BLOCKED
    assert device.access == BLOCKED


def test_keys_are_new_each_time_and_never_zero() -> None:
    """The temporary one is used up by the final one."""
    device = Devices().get("a@x.test", "1", "t")
    keys = [device.offer(), device.accept(), device.offer(), device.accept()]
    assert len(set(keys)) == 4
    assert "0" not in keys
    assert device.offered == ""


def test_progress_knows_the_key_and_the_one_before() -> None:
    """No other."""
    state = fresh(0)
    assert state.advance(state.now, 7) == "2"
    assert [state.at(key) is not None for key in ("0", "1", "2", "3")] == [False, True, True, False]
    assert state.now.sequence == 7
