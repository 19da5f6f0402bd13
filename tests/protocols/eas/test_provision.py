"""The handshake about policies."""

from dataclasses import replace

import pytest

from prober.faults.taxonomy import Reason
from prober.protocols.eas.provision import DeviceInformation, Policy, Provision
from tests.protocols.eas.made import PHONE, answer, page, refused, tag
from tests.protocols.wbxml.vectors import vector

TYPE = tag(0x08, "MS-EAS-Provisioning-WBXML")


def provision(*inside: bytes) -> bytes:
    return page(0x0E) + tag(0x05, *inside)


def policy(*inside: bytes) -> bytes:
    return tag(0x06, tag(0x07, TYPE, *inside))


def test_both_phases_are_written_as_published() -> None:
    """The order of elements is the schema's."""
    information = DeviceInformation("probe", "probe", "Linux", "probe/1.0")
    assert Provision(PHONE, information).call().body == vector("provision_1")
    assert Provision(PHONE, temporary_key="1307199584").call().body == vector("provision_2")


def test_the_first_phase_has_no_key_and_the_second_the_temporary_one() -> None:
    """In the header, as the phone's."""
    first = dict(Provision(replace(PHONE, policy_key="")).call().headers)
    second = dict(Provision(replace(PHONE, policy_key="9"), temporary_key="9").call().headers)
    assert (first["X-MS-PolicyKey"], second["X-MS-PolicyKey"]) == ("0", "9")


def test_a_key_is_read_and_so_is_that_there_is_none() -> None:
    """SOGo gives no key, ever."""
    given = answer(provision(tag(0x0B, "1"), policy(tag(0x0B, "1"), tag(0x09, "1307199584"))))
    assert Provision(PHONE).read(given) == Policy("1307199584", wanted=True)
    none = answer(provision(tag(0x0B, "1"), policy(tag(0x0B, "2"))))
    assert Provision(PHONE).read(none) == Policy("", wanted=False)


@pytest.mark.parametrize("wipe", [0x0C, 0x3B])
def test_an_order_to_wipe_stops_everything(wipe: int) -> None:
    """Also beside a good status."""
    fault = refused(Provision(PHONE).read, answer(provision(tag(0x0B, "1"), tag(wipe))))
    assert (fault.kind.code, fault.reason) == ("eas_remote_wipe", Reason.ACCESS_POLICY)


@pytest.mark.parametrize(
    ("inside", "code"),
    [
        ((tag(0x0B, "3"),), "eas_provision_3"),
        ((tag(0x0B, "145"),), "eas_145"),
        ((tag(0x0B, "1"), policy(tag(0x0B, "5"))), "eas_policy_5"),
        ((tag(0x0B, "1"),), "eas_element_missing"),
        ((tag(0x0B, "1"), policy(tag(0x0B, "1"))), "eas_element_missing"),
        ((tag(0x0B, "1"), policy(tag(0x0B, "1"), tag(0x09, "canary"))), "eas_element_missing"),
        ((tag(0x0B, "1"), policy(tag(0x0B, "1"), tag(0x09, "4294967296"))), "eas_element_missing"),
        ((tag(0x0B, "1"), policy(tag(0x09, "1"))), "eas_element_missing"),
    ],
)
def test_anything_else_is_a_fault(inside: tuple[bytes, ...], code: str) -> None:
    """A key is a number of 32 bits."""
    assert refused(Provision(PHONE).read, answer(provision(*inside))).kind.code == code
