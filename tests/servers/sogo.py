"""A real SOGo with ActiveSync: nginx, sogod, Dovecot for mail, PostgreSQL for the rest, memcached, a mail relay."""

import base64
import http.client
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

from tests.servers.account import give, make
from tests.servers.dovecot import PASSWORDS, Dovecot, Options
from tests.servers.memcached import Memcached
from tests.servers.packages import program
from tests.servers.pki import KeyPair
from tests.servers.ports import HOST, accepts, free_port
from tests.servers.postgres import Postgres
from tests.servers.process import Daemon, retried
from tests.servers.relay import Relay

ENDPOINT = "/Microsoft-Server-ActiveSync"
GNUSTEP = Path("/etc/GNUstep/GNUstep.conf")


class Sogo:
    """The whole stack. `longest_ping` is the longest heartbeat it agrees to, in seconds.

    Users and passwords are those of Dovecot. Each outstanding Ping or waiting Sync occupies one of `workers`.
    """

    def __init__(self, room: Path, certificate: KeyPair, *, longest_ping: int = 3540, workers: int = 6) -> None:
        self.room = make(room, "gnustep", "spool", "nginx")
        self.longest_ping = longest_ping
        self.workers = workers
        self.port = self.https_port = 0
        self.dovecot = Dovecot(room / "dovecot", Options(certificate))
        self.postgres = Postgres(room / "postgres")
        self.memcached = Memcached(room / "memcached")
        self._certificate = certificate
        self._parts = ExitStack()
        self._relay: Relay | None = None
        self._sogod: Daemon | None = None
        self._nginx: Daemon | None = None

    def __enter__(self) -> Self:
        with ExitStack() as parts:
            for part in (self.dovecot, self.postgres, self.memcached):
                parts.enter_context(part)
            self._relay = parts.enter_context(Relay(self.dovecot.lmtp_port))
            self.postgres.sql(users_table())
            parts.callback(self._stop_own)
            retried(self._start_sogod_anew)
            retried(self._start_nginx_anew)
            for user in PASSWORDS:
                self.dovecot.prime(user)
            self._parts = parts.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._parts.close()

    @property
    def server(self) -> str:
        """Host and port of the TLS front."""
        return f"localhost:{self.https_port}"

    @property
    def url(self) -> str:
        """Where phones go."""
        return f"https://{self.server}{ENDPOINT}"

    @property
    def plain_url(self) -> str:
        """sogod itself, without TLS."""
        return f"http://{HOST}:{self.port}/SOGo{ENDPOINT}"

    @property
    def relay(self) -> Relay:
        """What SendMail hands its messages to."""
        if self._relay is None:
            raise RuntimeError("SOGo is not running")
        return self._relay

    @property
    def daemon(self) -> Daemon:
        """sogod and its workers."""
        if self._sogod is None:
            raise RuntimeError("sogod is not running")
        return self._sogod

    @property
    def log(self) -> str:
        """What sogod has logged: every request and answer as XML."""
        return (self.room / "sogod.log").read_text(errors="replace")

    def deliver(self, recipient: str, subject: str, body: str = "Hello.\n") -> None:
        """Deliver a message; it is in the mailbox when this returns, and wakes a Ping within five seconds."""
        self.dovecot.deliver(recipient, subject, body)

    def put_event(self, user: str, uid: str, summary: str) -> None:
        """Put an entry into the calendar of `user` (CalDAV, RFC 4791)."""
        path = f"/SOGo/dav/{user}/Calendar/personal/{uid}.ics"
        status = self._ask("PUT", path, user, EVENT.format(uid=uid, summary=summary), "text/calendar")
        if status not in (201, 204):
            raise RuntimeError(f"PUT {path}: {status}")

    @contextmanager
    def mail_down(self) -> Iterator[None]:
        """Be without Dovecot for the length of a block."""
        with self.dovecot.down():
            yield

    @contextmanager
    def database_down(self) -> Iterator[None]:
        """Be without PostgreSQL for the length of a block. sogod never reconnects, so it starts anew at the end."""
        with self.postgres.down():
            yield
        self.daemon.stop()
        self._start_sogod()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Have every sogod process frozen for the length of a block; nginx goes on and gets no answer."""
        with self.daemon.frozen():
            yield

    @contextmanager
    def down(self) -> Iterator[None]:
        """Have sogod stopped for the length of a block: nginx answers 502."""
        self.daemon.stop()
        try:
            yield
        finally:
            self._start_sogod()

    def _start_sogod_anew(self) -> None:
        self.port = free_port()
        self._start_sogod()

    def _start_sogod(self) -> None:
        configuration = self._configure_sogod()
        command = [program("sogod"), "-WONoDetach", "YES", "-WOLogFile", "-"]
        environment = {"GNUSTEP_CONFIG_FILE": str(configuration)}
        self._sogod = Daemon(command, self.room / "sogod.log", environment=environment)
        self._sogod.until(self._answers, "answering")

    def _start_nginx_anew(self) -> None:
        self.https_port = free_port()
        configuration = self.room / "nginx.conf"
        configuration.write_text(_nginx(self, self._certificate))
        self._nginx = Daemon([program("nginx"), "-e", "stderr", "-c", str(configuration)], self.room / "nginx.log")
        self._nginx.until(lambda: accepts(self.https_port), "listening")

    def _stop_own(self) -> None:
        for daemon in (self._nginx, self._sogod):
            if daemon is not None:
                daemon.stop()

    def _configure_sogod(self) -> Path:
        """Write defaults and the file that names their place; `$HOME` would be ignored."""
        defaults = self.room / "gnustep" / "sogod.plist"
        defaults.write_text(_defaults(self))
        lines = [line for line in GNUSTEP.read_text().splitlines() if not line.startswith("GNUSTEP_USER_DEFAULTS_DIR=")]
        configuration = self.room / "GNUstep.conf"
        configuration.write_text("\n".join([*lines, f"GNUSTEP_USER_DEFAULTS_DIR={defaults.parent}", ""]))
        give(defaults)
        return configuration

    def _answers(self) -> bool:
        try:
            return self._ask("GET", "/SOGo/") == 200
        except (OSError, http.client.HTTPException):
            return False

    def _ask(self, method: str, path: str, user: str = "", body: str = "", content_type: str = "text/plain") -> int:
        headers = {"Content-Type": content_type}
        if user:
            credentials = base64.b64encode(f"{user}:{PASSWORDS[user]}".encode()).decode()
            headers["Authorization"] = f"Basic {credentials}"
        connection = http.client.HTTPConnection(HOST, self.port, timeout=10)
        try:
            connection.request(method, path, body=body.encode(), headers=headers)
            return connection.getresponse().status
        finally:
            connection.close()


def users_table() -> str:
    """Return the SQL that makes SOGo's directory of users."""
    rows = ", ".join(f"('{user}', '{user}', '{password}', '{user}', '{user}')" for user, password in PASSWORDS.items())
    columns = ", ".join(f"{name} varchar(128)" for name in ("c_uid", "c_name", "c_password", "c_cn", "mail"))
    return f"CREATE TABLE sogo_users ({columns}, PRIMARY KEY (c_uid)); INSERT INTO sogo_users VALUES {rows};"


def _defaults(stack: Sogo) -> str:
    return DEFAULTS.format(stack=stack, relay=stack.relay, database=stack.postgres.url)


def _nginx(stack: Sogo, certificate: KeyPair) -> str:
    return NGINX.format(stack=stack, certificate=certificate, room=stack.room / "nginx")


DEFAULTS = """{{
  WOPort = "127.0.0.1:{stack.port}";
  WOWorkersCount = {stack.workers};
  WOListenQueueSize = 64;
  WOWatchDogRequestTimeout = 60;
  SxVMemLimit = 1024;
  WOPidFile = "{stack.room}/gnustep/sogo.pid";
  SOGoMailSpoolPath = "{stack.room}/spool";

  SOGoProfileURL = "{database}/sogo_user_profile";
  OCSFolderInfoURL = "{database}/sogo_folder_info";
  OCSSessionsFolderURL = "{database}/sogo_sessions_folder";
  OCSEMailAlarmsFolderURL = "{database}/sogo_alarms_folder";
  OCSStoreURL = "{database}/sogo_store";
  OCSAclURL = "{database}/sogo_acl";
  OCSCacheFolderURL = "{database}/sogo_cache_folder";

  SOGoUserSources = (
    {{ type = sql; id = directory; displayName = "Directory"; viewURL = "{database}/sogo_users";
      canAuthenticate = YES; isAddressBook = YES; userPasswordAlgorithm = plain; }}
  );

  SOGoMemcachedHost = "127.0.0.1:{stack.memcached.port}";
  SOGoIMAPServer = "imap://127.0.0.1:{stack.dovecot.imap_port}";
  SOGoSMTPServer = "smtp://127.0.0.1:{relay.port}";
  SOGoMailingMechanism = smtp;
  SOGoForceExternalLoginWithEmail = YES;
  SOGoMailDomain = "example.test";
  SOGoSentFolderName = Sent;
  SOGoTrashFolderName = Trash;
  SOGoDraftsFolderName = Drafts;
  SOGoJunkFolderName = Junk;
  SOGoLanguage = English;
  SOGoTimeZone = UTC;

  SOGoMaximumPingInterval = {stack.longest_ping};
  SOGoMaximumSyncInterval = {stack.longest_ping};
  SOGoInternalSyncInterval = 5;
  SOGoEASDebugEnabled = YES;
}}
"""

NGINX = """
daemon off;
worker_processes 1;
pid {room}/nginx.pid;
error_log {room}/error.log;
events {{ worker_connections 256; }}
http {{
  access_log {room}/access.log;
  client_body_temp_path {room}/body;
  proxy_temp_path {room}/proxy;
  fastcgi_temp_path {room}/fastcgi;
  uwsgi_temp_path {room}/uwsgi;
  scgi_temp_path {room}/scgi;
  server {{
    listen 127.0.0.1:{stack.https_port} ssl;
    server_name localhost;
    ssl_certificate {certificate.certificate_file};
    ssl_certificate_key {certificate.key_file};
    location /Microsoft-Server-ActiveSync {{
      proxy_pass http://127.0.0.1:{stack.port}/SOGo/Microsoft-Server-ActiveSync;
      proxy_read_timeout 3600s;
      proxy_buffering off;
      proxy_set_header Host $host;
      proxy_set_header x-webobjects-server-protocol HTTP/1.0;
      proxy_set_header x-webobjects-remote-host $remote_addr;
      proxy_set_header x-webobjects-server-name $server_name;
      proxy_set_header x-webobjects-server-url $scheme://$host:$server_port;
      proxy_set_header x-webobjects-server-port $server_port;
    }}
  }}
}}
"""

EVENT = """BEGIN:VCALENDAR\r
VERSION:2.0\r
PRODID:-//prober//tests//EN\r
BEGIN:VEVENT\r
UID:{uid}\r
DTSTAMP:20300101T000000Z\r
DTSTART:20300102T100000Z\r
DTEND:20300102T110000Z\r
SUMMARY:{summary}\r
END:VEVENT\r
END:VCALENDAR\r
"""
