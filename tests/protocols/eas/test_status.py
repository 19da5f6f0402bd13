"""The tables of status numbers: nothing listed is missing, every number has one reason, unknown ones are violations."""

import pytest

from prober.faults.taxonomy import FaultError, Reason
from prober.protocols.eas.status import COMMAND, GLOBAL, check, eas_status

R = Reason
GLOBALS = {
    R.CLIENT_MISCONFIG: [
        *range(101, 110),
        *(113, 115, 116, 117, 118, 119, 121, 122, 123, 127, 128, 137, 138),
        *(146, 147, 148, 149, 150, 151, 152, 153, 154, 155, 156, 160, 161, 164, 165, 166),
        *(173, 174, 175, 176, 177),
    ],
    R.SERVER_ERROR: [110, 120, 132, 134, 135, 136, 163, 170],
    R.SERVER_BUSY: [111, 133, 162, 169],
    R.ACCESS_POLICY: [112, 126, 129, 130, 139, 140, 141, 142, 143, 144, 145, 167, 168, 171, 172],
    R.MAILBOX_UNAVAILABLE: [114, 125],
    R.AUTH_REJECTED: [124, 131],
}
COMMANDS = {
    "folder_sync": {R.SERVER_ERROR: [6, 9, 11], R.CLIENT_MISCONFIG: [10], R.MAILBOX_UNAVAILABLE: [12]},
    "sync": {R.SERVER_ERROR: [3, 5, 6, 7, 8, 12, 13], R.CLIENT_MISCONFIG: [4, 9, 14, 15], R.SERVER_BUSY: [16]},
    "estimate": {R.SERVER_ERROR: [2, 3, 4]},
    "settings": {R.CLIENT_MISCONFIG: [2, 5, 6], R.ACCESS_POLICY: [3, 7], R.SERVER_BUSY: [4]},
    "item_operations": {
        R.CLIENT_MISCONFIG: [2, 4, 15],
        R.SERVER_ERROR: [3, 6, 7, 8, 9, 10, 11, 12, 14, 17],
        R.ACCESS_POLICY: [5, 16],
        R.AUTH_REJECTED: [18],
    },
    "search": {
        R.CLIENT_MISCONFIG: [2, 4, 8, 12],
        R.SERVER_ERROR: [3, 6, 7, 11],
        R.ACCESS_POLICY: [5, 13],
        R.READ_TIMEOUT: [10],
        R.AUTH_REJECTED: [14],
    },
    "ping": {R.CLIENT_MISCONFIG: [3, 4, 5, 6], R.SERVER_ERROR: [7, 8]},
    "provision": {R.CLIENT_MISCONFIG: [2], R.SERVER_ERROR: [3]},
    "policy": {R.CLIENT_MISCONFIG: [3], R.SERVER_ERROR: [4, 5]},
}


@pytest.mark.parametrize("code", range(101, 178))
def test_every_global_number_has_its_reason(code: int) -> None:
    """101 to 177; 157 to 159 were never given out."""
    reason = next((reason for reason, codes in GLOBALS.items() if code in codes), None)
    assert (GLOBAL[str(code)].reason if str(code) in GLOBAL else None) is reason
    assert (reason is None) is (code in (157, 158, 159))


@pytest.mark.parametrize(
    ("command", "code", "reason"),
    [
        (command, code, reason)
        for command, reasons in COMMANDS.items()
        for reason, codes in reasons.items()
        for code in codes
    ],
)
def test_every_number_of_a_command_has_its_reason(command: str, code: int, reason: Reason) -> None:
    """And a code that names both."""
    with pytest.raises(FaultError) as caught:
        check(command, str(code))
    assert (caught.value.fault.kind.code, caught.value.fault.reason) == (f"eas_{command}_{code}", reason)
    assert caught.value.fault.evidence == {"command": command, "eas_status": str(code)}
    assert eas_status(caught.value.fault) == str(code)


def test_no_number_of_a_command_is_without_a_row_here() -> None:
    """Or a reason could change unseen."""
    rows = {
        (command, str(code)) for command, reasons in COMMANDS.items() for codes in reasons.values() for code in codes
    }
    assert rows == set(COMMAND)


def test_codes_are_unique() -> None:
    """Over all tables."""
    kinds = [*GLOBAL.values(), *COMMAND.values()]
    assert len({kind.code for kind in kinds}) == len(kinds)


def test_a_global_number_means_the_same_under_every_command() -> None:
    """114: the mailbox server is offline."""
    for command in COMMANDS:
        with pytest.raises(FaultError) as caught:
            check(command, "114")
        assert caught.value.fault.kind.code == "eas_114"


def test_a_wish_to_wipe_has_a_name_of_its_own() -> None:
    """The schedule stops an assignment at this code."""
    assert (GLOBAL["140"].code, GLOBAL["140"].reason) == ("eas_remote_wipe", Reason.ACCESS_POLICY)


@pytest.mark.parametrize("text", ["999", "100", "-1", "one", "1 ", "١", "9" * 300])
def test_a_number_nobody_listed_is_a_violation(text: str) -> None:
    """Cut short in the evidence."""
    with pytest.raises(FaultError) as caught:
        check("sync", text)
    assert (caught.value.fault.kind.code, caught.value.fault.reason) == ("eas_unknown_status", R.PROTOCOL_VIOLATION)
    assert len(caught.value.fault.evidence["eas_status"]) <= 8


def test_one_is_fine_and_none_is_missing() -> None:
    """Unless more is fine."""
    assert check("sync", "1") == "1"
    assert check("ping", "2", fine=("1", "2")) == "2"
    with pytest.raises(FaultError) as caught:
        check("sync", "")
    assert caught.value.fault.kind.code == "eas_element_missing"
