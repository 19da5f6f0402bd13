"""A real Dovecot 2.3: IMAP in clear with STARTTLS, IMAP over TLS, LMTP to deliver by, passwords and OAuth tokens."""

import imaplib
import smtplib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Literal, Self

from tests.servers.account import give, make, unprivileged
from tests.servers.packages import program
from tests.servers.pki import KeyPair
from tests.servers.ports import HOST, accepts, free_ports, greets
from tests.servers.process import Daemon, retried, run

ALICE, BOB, CAROL = "alice@example.test", "bob@example.test", "carol@example.test"
PASSWORDS: Mapping[str, str] = {ALICE: "secret-a", BOB: "secret-b", CAROL: "secret-c"}
SPECIAL = ("Drafts", "Sent", "Trash", "Junk", "Archive")
SENDER = "sender@example.test"


@dataclass(frozen=True, slots=True)
class LocalTokens:
    """Dovecot checks JWTs by itself: `keys` holds PEM public keys by `<azp>/<algorithm>/<kid>`."""

    issuer: str
    keys: Mapping[str, str]
    scope: str = "IMAP.AccessAsUser.All"
    username: str = "email"


@dataclass(frozen=True, slots=True)
class Introspection:
    """Dovecot asks the authorisation server about each token (RFC 7662). `url` carries user name and password."""

    url: str
    ca_file: Path | None = None
    username: str = "username"
    timeout: int = 3000


@dataclass(frozen=True, slots=True)
class Options:
    """What differs between one Dovecot and another. `connections`: how many one user may have from one address."""

    certificate: KeyPair
    tokens: LocalTokens | Introspection | None = None
    users: Mapping[str, str] = field(default_factory=lambda: PASSWORDS)
    connections: int = 10
    tls: Literal["yes", "required", "no"] = "yes"
    failure_delay: int = 0


class Dovecot:
    """One server; `start()` after `stop()` comes back on the same ports with the same mail."""

    def __init__(self, room: Path, options: Options) -> None:
        self.options = options
        self.imap_port = self.imaps_port = self.lmtp_port = 0
        self._room = make(room, "mail", "log", "keys")
        self._daemon: Daemon | None = None
        self._runs = 0

    def __enter__(self) -> Self:
        retried(self._start_anew)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def log(self) -> str:
        """What Dovecot has logged."""
        path = self._room / "log" / "dovecot.log"
        return path.read_text(errors="replace") if path.exists() else ""

    @property
    def daemon(self) -> Daemon:
        """The processes."""
        if self._daemon is None:
            raise RuntimeError("Dovecot is not running")
        return self._daemon

    def start(self) -> None:
        """Start on the ports it had before."""
        self._runs += 1
        base = make(self._room / f"run{self._runs}", "run", "state")  # stale sockets in an old one cost five seconds
        configuration = self._configure(base)
        command = [program("dovecot"), "-F", "-c", str(configuration)]
        self._daemon = Daemon(command, self._room / "log" / "output.log")
        self._daemon.until(self._ready, "listening")

    def stop(self) -> None:
        """End it and every session."""
        if self._daemon is not None:
            self._daemon.stop()

    @contextmanager
    def down(self) -> Iterator[None]:
        """Be stopped for the length of a block."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Be frozen for the length of a block: connections are accepted by the kernel and stay silent."""
        with self.daemon.frozen():
            yield

    def deliver(self, recipient: str, subject: str, body: str = "Hello.\n") -> None:
        """Deliver a message by LMTP (RFC 2033); it is in the mailbox when this returns."""
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = SENDER, recipient, subject
        message.set_content(body)
        with smtplib.LMTP(HOST, self.lmtp_port) as connection:
            connection.send_message(message, SENDER, [recipient])

    def kick(self, user: str) -> None:
        """Disconnect every session of `user`, as an administrator does."""
        run([program("doveadm"), "-c", str(self._configuration), "kick", user])

    def prime(self, user: str) -> None:
        """Open every mailbox of `user` with CONDSTORE once, as SOGo needs before its first Sync."""
        with imaplib.IMAP4(HOST, self.imap_port, timeout=10) as client:
            client.login(user, self.options.users[user])
            client.enable("CONDSTORE")
            for mailbox in ("INBOX", *SPECIAL):
                client.select(mailbox)

    @property
    def _configuration(self) -> Path:
        return self._room / "dovecot.conf"

    def _start_anew(self) -> None:
        self.imap_port, self.imaps_port, self.lmtp_port = free_ports(3)
        self.start()

    def _ready(self) -> bool:
        # The master ends at once when one of its listeners is taken, so a greeting vouches for imaps as well.
        return greets(self.imap_port, b"* OK") and greets(self.lmtp_port, b"220 ") and accepts(self.imaps_port)

    def _configure(self, base: Path) -> Path:
        users = "".join(f"{user}:{{PLAIN}}{password}\n" for user, password in self.options.users.items())
        give(self._write("users", users))
        return self._write("dovecot.conf", _main(self, self._room, base) + self._tokens())

    def _tokens(self) -> str:
        tokens = self.options.tokens
        if tokens is None:
            return ""
        text = self._local(tokens) if isinstance(tokens, LocalTokens) else _introspection(tokens)
        return OAUTH_PASSDB.format(path=self._write("oauth2.conf.ext", text))

    def _local(self, tokens: LocalTokens) -> str:
        for place, key in tokens.keys.items():
            path = self._room / "keys" / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(key)
        return LOCAL_TOKENS.format(keys=self._room / "keys", tokens=tokens)

    def _write(self, name: str, text: str) -> Path:
        path = self._room / name
        path.write_text(text)
        return path


def _introspection(tokens: Introspection) -> str:
    authority = f"tls_ca_cert_file = {tokens.ca_file}\n" if tokens.ca_file else ""
    return INTROSPECTION.format(tokens=tokens) + authority


def _main(server: Dovecot, room: Path, base: Path) -> str:
    account, options = unprivileged(), server.options
    mechanisms = "plain login" + (" xoauth2 oauthbearer" if options.tokens else "")
    return MAIN.format(
        account=account,
        options=options,
        room=room,
        base=base,
        server=server,
        mechanisms=mechanisms,
        mailboxes=MAILBOXES,
    )


MAILBOXES = "".join(
    f"  mailbox {name} {{\n    auto = subscribe\n    special_use = \\{name}\n  }}\n" for name in SPECIAL
)

MAIN = """
base_dir = {base}/run
state_dir = {base}/state
instance_name = prober-tests
log_path = {room}/log/dovecot.log
auth_verbose = yes
listen = 127.0.0.1
protocols = imap lmtp

default_internal_user = {account.user}
default_internal_group = {account.group}
default_login_user = {account.user}
first_valid_uid = {account.uid}
first_valid_gid = 0
mail_uid = {account.uid}
mail_gid = {account.gid}

ssl = {options.tls}
ssl_cert = <{options.certificate.certificate_file}
ssl_key = <{options.certificate.key_file}
ssl_min_protocol = TLSv1.2
disable_plaintext_auth = yes

mail_home = {room}/mail/%u
mail_location = maildir:~/Maildir
mail_fsync = never
mail_max_userip_connections = {options.connections}

namespace inbox {{
  inbox = yes
  separator = /
{mailboxes}}}

auth_failure_delay = {options.failure_delay}
auth_mechanisms = {mechanisms}
passdb {{
  driver = passwd-file
  mechanisms = plain login
  args = scheme=PLAIN username_format=%u {room}/users
}}
userdb {{
  driver = static
  args = uid={account.uid} gid={account.gid} home={room}/mail/%u allow_all_users=yes
}}

service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
service imap-login {{
  chroot =
  process_min_avail = 1
  service_count = 0
  inet_listener imap {{
    port = {server.imap_port}
  }}
  inet_listener imaps {{
    port = {server.imaps_port}
    ssl = yes
  }}
}}
service imap {{
  process_limit = 256
}}
service lmtp {{
  unix_listener lmtp {{
    mode = 0600
  }}
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {server.lmtp_port}
  }}
}}
"""

OAUTH_PASSDB = """
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {path}
}}
"""

LOCAL_TOKENS = """
introspection_mode = local
local_validation_key_dict = fs:posix:prefix={keys}/
username_attribute = {tokens.username}
issuers = {tokens.issuer}
scope = {tokens.scope}
openid_configuration_url = {tokens.issuer}.well-known/openid-configuration
"""

INTROSPECTION = """
introspection_mode = post
introspection_url = {tokens.url}
username_attribute = {tokens.username}
active_attribute = active
active_value = true
timeout_msecs = {tokens.timeout}
"""
