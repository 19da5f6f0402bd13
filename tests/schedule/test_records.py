"""Records and marks: what survives, what is forgiven, what can be noticed and what cannot be found out."""

import json
import os
from pathlib import Path
from types import MappingProxyType

import pytest

from prober.identity.spec import CredentialSpec, CredentialType
from prober.schedule.records import Record, Records, Rest, SecretMarks, Stamp
from prober.secret import SecretSource

FULL = Record(
    1_800_000_000.5, Stamp("c0ffee", "12ab"), Rest("imap_login_refused", 1_800_001_800.0, Stamp("c0ffee", ""))
)


class CountedDict(dict[str, str]):
    """A section that counts how often it was written."""

    writes = 0

    def __setitem__(self, key: str, value: str) -> None:
        self.writes += 1
        super().__setitem__(key, value)


@pytest.mark.parametrize("record", [Record(), FULL, Record(rest=Rest("eas_remote_wipe")), Record(succeeded_at=5.0)])
def test_a_record_survives_a_restart(record: Record) -> None:
    """What one process puts, the next one gets from the same section."""
    section: dict[str, str] = {}
    Records(section).put("imap4/hq", record)
    assert Records(json.loads(json.dumps(section))).get("imap4/hq") == record


def test_an_unchanged_record_is_not_written() -> None:
    """Putting what is there already does not dirty the store."""
    section = CountedDict()
    records = Records(section)
    for _ in range(3):
        records.put("imap4/hq", FULL)
    assert section.writes == 1


@pytest.mark.parametrize(
    "before", [None, Record(), FULL, Record(1.5, Stamp("c0ffee", "12ab")), Record(1.5, Stamp("c"))]
)
@pytest.mark.parametrize("reopened", [False, True])
def test_a_success_is_written_as_any_record_is(before: Record | None, reopened: bool) -> None:
    """With the time alone new, or with everything: the same text, and the same record."""
    section: dict[str, str] = {}
    records = Records(section)
    if before is not None:
        records.put("imap4/hq", before)
    records = Records(section) if reopened else records
    whole: dict[str, str] = {}
    for at in (1_800_000_000.25, 1_800_000_060.0):
        records.succeeded("imap4/hq", at, "c0ffee", "12ab")
        Records(whole).put("imap4/hq", Record(at, Stamp("c0ffee", "12ab")))
        assert section == whole
        assert records.get("imap4/hq") == Records(section).get("imap4/hq") == Records(whole).get("imap4/hq")


@pytest.mark.parametrize("text", ["{", "", '{"rest":null,"stamp":{},"succeeded_at":1}', '{"succeeded_at":true}'])
def test_a_success_replaces_what_could_not_be_read(text: str) -> None:
    """Or was written by somebody else, in another order."""
    section = {"imap4/hq": text}
    Records(section).succeeded("imap4/hq", 5.0, "", "")
    assert Records(section).get("imap4/hq") == Record(5.0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "7",
        '{"succeeded_at":"yesterday","stamp":{},"rest":null}',
        '{"succeeded_at":1,"stamp":{"colour":"red"},"rest":null}',
        '{"succeeded_at":1,"stamp":{},"rest":{"code":"x"}}',
        '{"succeeded_at":true,"stamp":{},"rest":null}',
    ],
)
def test_a_record_that_cannot_be_read_was_never_made(text: str) -> None:
    """Garbage and foreign shapes give an empty record, and nothing stops."""
    assert Records({"imap4/hq": text}).get("imap4/hq") == Record()


def marks(spec: CredentialSpec, salt: str = "installation") -> SecretMarks:
    return SecretMarks(MappingProxyType({spec.name: spec}), salt)


def test_a_changed_password_file_changes_the_mark_and_a_touched_one_does_not(tmp_path: Path) -> None:
    """Contents decide; a new modification time alone is no change."""
    file = tmp_path / "password"
    file.write_text("first\n")
    mark = marks(CredentialSpec("phone", CredentialType.BASIC, "probe", SecretSource(file=str(file))))
    first = mark("phone")
    os.utime(file, ns=(1, 1))
    assert mark("phone") == first
    file.write_text("second\n")
    assert mark("phone") != first
    file.write_text("first\n")
    assert mark("phone") == first


def test_a_file_that_did_not_change_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second asking costs one `stat`."""
    file = tmp_path / "password"
    file.write_text("first")
    mark = marks(CredentialSpec("phone", CredentialType.BASIC, "probe", SecretSource(file=str(file))))
    first = mark("phone")
    monkeypatch.setattr(Path, "read_bytes", lambda _: pytest.fail("read again"))
    assert mark("phone") == first


def test_every_kind_of_own_secret_is_marked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Password, client secret and certificate, from file or environment: each changes the mark."""
    certificate = tmp_path / "app.pem"
    certificate.write_text("one")
    monkeypatch.setenv("APP_SECRET", "one")
    spec = CredentialSpec(
        "app",
        CredentialType.CLIENT_CREDENTIALS,
        client_secret=SecretSource(environment="APP_SECRET"),
        certificate_file=str(certificate),
    )
    mark = marks(spec)
    seen = {mark("app")}
    monkeypatch.setenv("APP_SECRET", "two")
    seen.add(mark("app"))
    certificate.write_text("two!")
    seen.add(mark("app"))
    assert len(seen) == 3


def test_what_rotates_by_itself_is_not_marked(tmp_path: Path) -> None:
    """A rotated refresh token or a renewed assertion is no change of set-up."""
    file = tmp_path / "token"
    for spec in (
        CredentialSpec("phone", CredentialType.REFRESH_TOKEN, token_file=str(file)),
        CredentialSpec("pod", CredentialType.CLIENT_CREDENTIALS, assertion_file=str(file)),
        CredentialSpec("vm", CredentialType.MANAGED_IDENTITY),
    ):
        assert marks(spec)(spec.name) == ""


@pytest.mark.parametrize("credential", [None, "unknown"])
def test_no_credential_has_no_mark(credential: str | None) -> None:
    """A reach probe has no secret that could change."""
    assert marks(CredentialSpec("phone", CredentialType.BASIC))(credential) == ""


def test_an_unreadable_secret_has_a_mark_of_its_own(tmp_path: Path) -> None:
    """It differs from every readable one, so its return is a change as well."""
    missing = SecretSource(file=str(tmp_path / "missing"))
    unset = SecretSource(environment="PROBER_TEST_NOT_SET")
    spec = CredentialSpec("app", CredentialType.ROPC, password=missing, client_secret=unset)
    assert marks(spec)("app") == "unreadable.unreadable"


def test_a_mark_does_not_give_the_secret_away(tmp_path: Path) -> None:
    """Sixteen bits, different in every installation: a dictionary of passwords finds thousands of matches."""
    file = tmp_path / "password"
    file.write_text("first")
    spec = CredentialSpec("phone", CredentialType.BASIC, "probe", SecretSource(file=str(file)))
    assert len(marks(spec)("phone")) == 4
    assert len({marks(spec, f"salt {number}")("phone") for number in range(50)}) > 40
