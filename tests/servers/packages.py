"""What `make servers` installs, seen from the tests: which programs are there, and which are missing."""

import os
import shutil
from pathlib import Path

from tests.servers.process import BASE_ENVIRONMENT

PROGRAMS = (
    "amtool:prometheus-alertmanager",
    "prometheus-alertmanager:prometheus-alertmanager",
    "buildah:buildah",
    "chromium:chromium",
    "docker-compose:docker-compose",
    "doveadm:dovecot-core",
    "dovecot:dovecot-core",
    "memcached:memcached",
    "mmdebstrap:mmdebstrap",
    "nginx:nginx-light",
    "openssl:openssl",
    "podman:podman",
    "prometheus-blackbox-exporter:prometheus-blackbox-exporter",
    "prometheus:prometheus",
    "promtool:prometheus",
    "runc:runc",
    "sogod:sogo",
    "systemd-analyze:systemd",
    "wbxml2xml:libwbxml2-utils",
)
FILES = (
    "/usr/lib/dovecot/imap:dovecot-imapd",
    "/usr/lib/dovecot/lmtp:dovecot-lmtpd",
    "/usr/lib/GNUstep/SOGo/ActiveSync.SOGo:sogo-activesync",
    "/usr/lib/nginx/modules/ngx_mail_module.so:libnginx-mod-mail",
)
POSTGRESQL = Path("/usr/lib/postgresql")


def missing() -> list[str]:
    """Return the Debian packages of the real servers that are not installed, sorted."""
    wanted = [entry.split(":") for entry in PROGRAMS]
    lacking = {package for program, package in wanted if _program(program) is None}
    lacking |= {package for file, package in (entry.split(":") for entry in FILES) if not Path(file).exists()}
    if not any(POSTGRESQL.glob("*/bin/postgres")):
        lacking.add("postgresql")
    return sorted(lacking | _unreadable())


def program(name: str) -> str:
    """Return the path of an installed program. Raises `FileNotFoundError` when it is missing."""
    path = _program(name)
    if path is None:
        raise FileNotFoundError(f"{name} is not installed: make servers")
    return path


def postgresql_program(name: str) -> str:
    """Return the path of a program of the newest PostgreSQL here."""
    newest = max(POSTGRESQL.glob(f"*/bin/{name}"), key=lambda path: float(path.parts[-3]))
    return str(newest)


def _program(name: str) -> str | None:
    return shutil.which(name, path=BASE_ENVIRONMENT["PATH"])


def _unreadable() -> set[str]:
    """sogod insists on reading its default configuration, also when it is told everything on the command line."""
    configuration = Path("/etc/sogo/sogo.conf")
    if os.getuid() and configuration.exists() and not os.access(configuration, os.R_OK):
        return {f"sogo (this account cannot read {configuration})"}
    return set()
