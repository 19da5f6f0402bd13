"""Named files are found, looked at once, and never quoted."""

import os
from pathlib import Path

import pytest

from prober.secret import Secret, SecretSource
from prober.settings import pem
from prober.settings.document import ProxySection
from prober.settings.files import LARGEST, LARGEST_SECRET, Files
from prober.settings.mistakes import Mistakes
from tests.settings.made import certificate_pem, curve_key, key_pem, lines, rsa_key

AT = ("credentials", "u", "password_file")
URL = "http://proxy:3128"


@pytest.fixture
def files(mistakes: Mistakes) -> Files:
    return Files(mistakes, check=True)


def test_a_file_is_relative_to_the_one_that_names_it(files: Files, tmp_path: Path) -> None:
    assert files.named(AT, "secret") == str(tmp_path / "secret")
    assert files.named(AT, "/run/secret") == "/run/secret"
    assert files.named(AT, None) is None


def test_a_relative_folder_becomes_absolute(
    mistakes: Mistakes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A prober that changes its directory still finds its secrets, and fingerprints do not depend on where it began."""
    monkeypatch.chdir(tmp_path)
    mistakes.places.folder = lambda path: Path("etc")  # type: ignore[method-assign]  # as where `etc/f.yml` was named
    assert Files(mistakes, check=True).named(AT, "secret") == str(tmp_path / "etc" / "secret")


def test_a_secret_lies_in_a_file_or_in_a_variable(
    files: Files, mistakes: Mistakes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret").write_text("hunter2\n")
    monkeypatch.setenv("PROBER_TEST_SECRET", "hunter2")
    in_file, in_variable = (
        files.secret(AT[:2], ProxySection.model_validate({"url": URL, **where}), "password")
        for where in ({"password_file": "secret"}, {"password_env": "PROBER_TEST_SECRET"})
    )
    assert in_file == SecretSource(file=str(tmp_path / "secret"))
    assert in_variable == SecretSource(environment="PROBER_TEST_SECRET")
    assert files.secret(AT[:2], ProxySection(url=URL), "password") is None
    assert files.reveal(in_file) == files.reveal(in_variable) == Secret("hunter2")
    assert not mistakes


def test_a_secret_that_is_not_to_be_had_is_told_without_what_was_written(
    files: Files, mistakes: Mistakes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody wrote the password where its file, or its variable, was asked for."""
    for where in ({"password_file": "hunter2"}, {"password_env": "hunter2"}):
        source = files.secret(AT[:2], ProxySection.model_validate({"url": URL, **where}), "password")
        assert files.reveal(source) is None
    assert lines(mistakes) == [
        "credentials.u.password_file: names a file that cannot be read: No such file or directory",
        "credentials.u.password_env: names an environment variable that is not set",
    ]


@pytest.mark.parametrize(
    ("content", "trouble"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"\xff\xfe", "is not UTF-8 text"),
        (b"x" * (LARGEST_SECRET + 1), "is larger than 64 KiB"),
    ],
)
def test_a_file_that_holds_no_secret_is_refused(
    files: Files, mistakes: Mistakes, tmp_path: Path, content: bytes, trouble: str
) -> None:
    (tmp_path / "secret").write_bytes(content)
    files.secret_file(AT, "secret")
    assert lines(mistakes) == [f"credentials.u.password_file: names a file that {trouble}"]


def test_what_never_ends_is_not_opened(files: Files, mistakes: Mistakes, tmp_path: Path) -> None:
    """A pipe would hold up the start for ever, a device would fill the memory."""
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", "/dev/zero", "."):
        files.authorities(("tls", "ca_file"), name)
    assert lines(mistakes) == [f"tls.ca_file: {name!r} is not a regular file" for name in ("pipe", "/dev/zero", ".")]


def test_a_huge_file_is_refused_unread(files: Files, mistakes: Mistakes, tmp_path: Path) -> None:
    with (tmp_path / "huge").open("wb") as stream:
        stream.truncate(LARGEST + 1)
    files.authorities(("tls", "ca_file"), "huge")
    assert lines(mistakes) == ["tls.ca_file: 'huge' is larger than 4 MiB"]


def test_a_file_that_many_name_is_looked_at_once(
    files: Files, mistakes: Mistakes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bundle of authorities takes 20 ms, and a thousand targets may name it."""
    (tmp_path / "ca.pem").write_bytes(certificate_pem(curve_key()))
    looked: list[str] = []
    look = pem.authorities

    def counted(file: str) -> str:
        looked.append(file)
        return look(file)

    monkeypatch.setattr(pem, "authorities", counted)
    for number in range(3):
        files.authorities(("targets", number, "tls", "ca_file"), "ca.pem")
    assert looked == [str(tmp_path / "ca.pem")]
    assert not mistakes


def test_a_bad_file_is_told_of_at_every_place_that_names_it(files: Files, mistakes: Mistakes) -> None:
    for number in range(2):
        files.authorities(("targets", number, "tls", "ca_file"), "none.pem")
    assert [one.path for one in mistakes.found] == ["targets[0].tls.ca_file", "targets[1].tls.ca_file"]


def test_certificate_and_key_may_be_two_files_and_must_belong_together(
    files: Files, mistakes: Mistakes, tmp_path: Path
) -> None:
    ours, stranger = rsa_key(), rsa_key()
    for name, content in (
        ("cert.pem", certificate_pem(ours)),
        ("key.pem", key_pem(ours)),
        ("other.pem", key_pem(stranger)),
    ):
        (tmp_path / name).write_bytes(content)
    both = (str(tmp_path / "cert.pem"), str(tmp_path / "key.pem"))
    assert files.pair(("c",), "cert.pem", ("k",), "key.pem") == both
    assert not mistakes
    files.pair(("c",), "cert.pem", ("k",), "other.pem")
    assert files.pair(("c",), None, ("k",), None) == (None, None)
    files.pair(("c",), None, ("k",), "key.pem")
    assert lines(mistakes) == [
        "c: 'cert.pem' does not belong to the private key in key_file",
        "k: needs certificate_file beside it",
    ]


def test_the_content_of_a_file_comes_without_white_space(files: Files, mistakes: Mistakes, tmp_path: Path) -> None:
    (tmp_path / "address").write_text(" probe@corp.example\r\n")
    assert files.content(("address_file",), "address") == "probe@corp.example"
    assert files.content(("address_file",), "none") is None
    assert len(mistakes.found) == 1


def test_unchecked_files_are_not_looked_at(mistakes: Mistakes, tmp_path: Path) -> None:
    """Examples name files that exist on other machines."""
    files = Files(mistakes, check=False)
    assert files.authorities(("ca_file",), "none.pem") == str(tmp_path / "none.pem")
    section = ProxySection(url=URL, password_env="PROBER_NO_SUCH_VARIABLE")
    assert files.reveal(files.secret(AT[:2], section, "password")) is None
    assert files.content(("address_file",), "none") is None
    assert not mistakes
