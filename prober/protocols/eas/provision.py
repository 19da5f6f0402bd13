"""Provision: the handshake about policies in two phases (MS-ASPROV section 3.1.5.1). No wipe is ever acknowledged."""

from dataclasses import dataclass

from prober.exchange import Call, Reply
from prober.faults.taxonomy import FaultError
from prober.protocols.eas import status
from prober.protocols.eas.command import Phone, opened, request, require
from prober.protocols.wbxml.codec import Element, element, encode

POLICY_TYPE = "MS-EAS-Provisioning-WBXML"
NO_POLICY = "2"


@dataclass(frozen=True, slots=True)
class DeviceInformation:
    """What the device says of itself from 14.1 on."""

    model: str
    friendly_name: str
    system: str
    user_agent: str


@dataclass(frozen=True, slots=True)
class Policy:
    """What the server wants. `key` is temporary after the first phase and final after the second; empty: no policy."""

    key: str
    wanted: bool


def first_phase(device: DeviceInformation | None) -> Element:
    """Return the body of the first phase."""
    information = () if device is None else (_information(device),)
    policy = element("Provision:Policy", element("Provision:PolicyType", POLICY_TYPE))
    return element("Provision:Provision", *information, element("Provision:Policies", policy))


def _information(device: DeviceInformation) -> Element:
    return element(
        "Settings:DeviceInformation",
        element(
            "Settings:Set",
            element("Settings:Model", device.model),
            element("Settings:FriendlyName", device.friendly_name),
            element("Settings:OS", device.system),
            element("Settings:UserAgent", device.user_agent),
        ),
    )


def second_phase(temporary_key: str) -> Element:
    """Return the body of the second phase: `Status` 1, all policies applied."""
    policy = element(
        "Provision:Policy",
        element("Provision:PolicyType", POLICY_TYPE),
        element("Provision:PolicyKey", temporary_key),
        element("Provision:Status", "1"),
    )
    return element("Provision:Provision", element("Provision:Policies", policy))


@dataclass(frozen=True, slots=True)
class Provision:
    """One phase: `temporary_key` empty for the first."""

    phone: Phone
    device: DeviceInformation | None = None
    temporary_key: str = ""

    def call(self) -> Call:
        """Return the request."""
        body = second_phase(self.temporary_key) if self.temporary_key else first_phase(self.device)
        return request(self.phone, "Provision", encode(body))

    def read(self, reply: Reply) -> Policy:
        """Return the policy. Raises `FaultError` (`eas_remote_wipe` where the server wants one)."""
        root = opened(reply, "Provision:Provision")
        if root.find("Provision:RemoteWipe") is not None or root.find("Provision:AccountOnlyRemoteWipe") is not None:
            raise FaultError(status.REMOTE_WIPE, {"command": "provision"})
        status.check("provision", root.at("Provision:Status"))
        policy = root.find("Provision:Policies", "Provision:Policy")
        if policy is None:
            raise FaultError(status.MISSING, {"element": "Provision:Policy"})
        if status.check("policy", policy.at("Provision:Status"), fine=(status.OK, NO_POLICY)) == NO_POLICY:
            return Policy("", wanted=False)
        key = require(policy, "Provision:PolicyKey")
        if not key.isascii() or not key.isdigit() or len(key) > 10 or int(key) >= 1 << 32:
            raise FaultError(status.MISSING, {"element": "Provision:PolicyKey"})
        return Policy(key, wanted=True)
