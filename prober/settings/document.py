"""The configuration as it is written: the sections and keys of the file, and the rules that one section can check.

Every key has a description: the JSON Schema and the documentation are made from them.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

from prober.identity.spec import CredentialType
from prober.settings.durations import Duration, Interval, Timeout
from prober.vocabulary import Depth

NAME = r"^[A-Za-z0-9]([A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$"
LABEL = r"^[a-z][a-z0-9_]{0,62}$"
AGENT = r"^[!-~]([ -~]*[!-~])?$"
CANARY = r"^[A-Za-z0-9-]{8,64}$"
PATTERNS: Mapping[str, str] = MappingProxyType(
    {
        NAME: "1 to 64 letters, digits, '-', '_' and '.', starting and ending with a letter or digit",
        LABEL: "a label's name: lower-case letters, digits and '_', starting with a letter",
        AGENT: "printable ASCII, as HTTP header fields are",
        CANARY: "8 to 64 letters, digits and '-': one word that nothing else in the mailbox holds",
    }
)
SECTION, WORD = "<section>", "<word>"
FORMS = frozenset({SECTION, WORD, "[key]"})
"""What pydantic puts into locations although it stands in no file."""
RESERVED_LABELS = frozenset(
    (  # what contract and rules use
        *(
            "alertname",
            "bound",
            "budget",
            "client",
            "clients",
            "credential",
            "depth",
            "domain",
            "environment",
            "family",
        ),
        *("fidelity", "group", "group_kind", "instance", "job", "le", "owner", "phase", "python", "quantile"),
        *("reason", "region", "revision", "scope", "service", "severity", "step", "target", "vantage", "vantages"),
        *("verdict", "version", "worker"),
    )
)
_CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def _label(text: str) -> str:
    if text in RESERVED_LABELS or text.startswith("exported_"):
        raise ValueError(f"{text!r} is a label of the prober's own or of Prometheus")
    return text


def _one_line(text: str) -> str:
    if _CONTROL_CHARACTERS.search(text):
        raise ValueError("must be a single line without control characters")
    return text


def _unique(names: list[str]) -> list[str]:
    if len(set(names)) < len(names):
        raise ValueError("names something twice")
    return names


def _form(value: object) -> str:
    """Say which form of a value that may be a word or a section was chosen."""
    return SECTION if isinstance(value, Mapping | BaseModel) else WORD


Name = Annotated[str, Field(pattern=NAME)]
Label = Annotated[str, Field(pattern=LABEL), AfterValidator(_label)]
Text = Annotated[str, Field(min_length=1, max_length=1024), AfterValidator(_one_line)]


class Section(BaseModel):
    """What all sections have in common: no unknown keys, no silent conversions."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True)


class Tls(Section):
    """Trust and identity of TLS."""

    ca_file: Text | None = None
    """PEM file of the authorities to trust instead of the system's."""
    server_name: Text | None = None
    """Name to ask for and to verify instead of the URL's host."""
    certificate_file: Text | None = None
    """PEM file of our client certificate."""
    key_file: Text | None = None
    """PEM file of its private key, where it is not in `certificate_file`."""
    minimum_version: Literal["1.0", "1.1", "1.2", "1.3"] | None = None
    """Oldest version of TLS to accept; 1.2 by default."""


class NetworkSection(Section):
    """How to reach hosts."""

    family: Literal["auto", "ipv4", "ipv6"] | None = None
    """Address family; `auto` tries all addresses."""
    source_address: Text | None = None
    """Local IP address to connect from."""
    resolver: list[Text] | None = None
    """Name servers (`192.0.2.53`, `192.0.2.53:5353`, `[2001:db8::53]:53`) instead of the system's."""
    connect_to: dict[Text, Text] | None = None
    """By host name, the address or other host to dial instead; SNI and Host stay as they are."""
    timestamps: Literal["loop", "kernel"] | None = None
    """Who says when bytes came: `loop`, when the prober got to them, or `kernel`, when they reached the machine (Linux
    only; elsewhere as `loop`). `loop` by default."""


class ProxySection(Section):
    """An HTTP proxy, used by CONNECT for HTTPS and IMAP alike."""

    url: Text
    """`http://host:port`."""
    username: Annotated[str, Field(max_length=1024), AfterValidator(_one_line)] = ""
    """User name for Basic proxy authentication."""
    password_file: Text | None = None
    """File that holds the password."""
    password_env: Text | None = None
    """Environment variable that holds the password."""
    no_proxy: list[Text] = []
    """Hosts and domain suffixes (`.corp.example`) that are reached directly; `*` for all."""


ProxyChoice = (
    Annotated[
        Annotated[ProxySection, Tag(SECTION)] | Annotated[Literal["none"], Tag(WORD)],
        Discriminator(_form),
    ]
    | None
)


class WayOut(Section):
    """Sections of `global`, a target, `token_service`, `control`, `service_health` and a list that is fetched."""

    tls: Tls = Tls()
    """Trust and identity of TLS."""
    network: NetworkSection = NetworkSection()
    """How to reach hosts."""
    proxy: ProxyChoice = None
    """Proxy to use; `none` for a direct way where `global` has one."""


class Global(WayOut):
    """What holds for everything that does not say otherwise."""

    interval: Interval | None = None
    """Time between attempts of every client entry that sets none; without it each client has its own default."""
    timeout: Timeout = 60.0
    """Longest time of one whole attempt. It may be longer than the interval: what an attempt outlasts is missed."""
    vantage: Name = "default"
    """Where this prober stands: a label."""
    user_agent: Annotated[str, Field(pattern=AGENT, max_length=256)] = "client-access-prober/1.0 (emulates={client})"
    """User-Agent of every HTTP request; constant for the life of a device. `{client}` stands for the client's name."""
    labels: Annotated[list[Label], Field(max_length=16), AfterValidator(_unique)] = []
    """Names of extra labels that targets may set."""


class TokenService(WayOut):
    """The way out to the token service."""


class Pacing(Section):
    """How close together attempts may start."""

    rate: Annotated[float, Field(gt=0, le=1000, strict=False)] = 10.0
    """Starts per second of one credential at one host."""
    ceiling: Annotated[int, Field(ge=1, le=10000)] = 20
    """Most starts in any one second."""


Limit = Annotated[float, Field(gt=0, le=100_000, strict=False)]


class BudgetsSection(Section):
    """What the prober allows itself.

    What is configured is counted against it and never refused; second looks and markers have to find room.
    """

    transactions_per_minute: Limit = 1
    """Transactions of one client at one mailbox; a shorter interval that is configured outranks it."""
    open_connections: Limit = 3
    """Attempts and held channels at one mailbox at once."""
    graph_requests_per_minute: Limit = 10
    """Requests at Graph about one mailbox, over half an hour."""
    graph_at_once: Limit = 4
    """Attempts of one application that ask Graph, at once: give each client an application of its own beyond that."""
    tokens_per_hour: Limit = 1
    """Tokens issued to one credential for one resource, over six hours."""


class DetectorSection(Section):
    """How sure a page must be, and how closely a failure is looked at."""

    page_budget_days: Annotated[float, Field(ge=0.0001, le=3650, strict=False)] = 30.0
    """Days between two false pages of everything together. Fewer make it quicker: a tenth saves about a fifth."""
    guaranteed: bool = False
    """Whether that is a bound that holds whatever happens, or what simulations say: 5 to 15 % quicker without."""
    second_looks: bool = True
    """Whether a failure is looked at again every five seconds for a while, within a tenth of the scheduled attempts."""


class Storage(Section):
    """What survives a restart."""

    path: Text | None = None
    """Directory for device ids, keys, tokens, latches and history. Without it they are forgotten at the end."""
    history: Duration = 8 * 86400.0
    """How long it is remembered how many attempts of a quarter of an hour went how."""
    failures: Duration = 30 * 86400.0
    """How long failures are remembered, with their evidence."""
    history_megabytes: Annotated[int, Field(ge=1, le=4096)] = 64
    """Size of both together; evidence that other evidence repeats goes first, then what is oldest."""


class Credential(Section):
    """One credential. Which keys it needs follows from `type`."""

    type: Annotated[CredentialType, Field(strict=False)]
    """Kind of credential."""
    username: Text | None = None
    """User name (`basic`, `ntlm`, `negotiate`, `ropc`)."""
    password_file: Text | None = None
    """File that holds the password."""
    password_env: Text | None = None
    """Environment variable that holds the password."""
    tenant: Text | None = None
    """Directory (tenant) name or id."""
    client_id: Text | None = None
    """Application (client) id."""
    client_secret_file: Text | None = None
    """File that holds the client secret."""
    client_secret_env: Text | None = None
    """Environment variable that holds the client secret."""
    certificate_file: Text | None = None
    """PEM file of certificate and private key for a signed assertion."""
    assertion_file: Text | None = None
    """File of a federated assertion; read anew for each request."""
    token_file: Text | None = None
    """File of the refresh token; a rotated one is written back where possible."""
    resource: Text | None = None
    """Resource a managed identity asks for."""
    authority: Text | None = None
    """Base URL of the token service."""
    token_url: Text | None = None
    """Token endpoint, where it does not follow from authority and tenant."""
    scope: Text | None = None
    """Scope to ask for instead of the client's own."""
    expires_at: Text | None = None
    """When the secret or certificate expires (RFC 3339); exported, so that an alert can warn."""
    hosts: Annotated[list[Text], Field(min_length=1)] | None = None
    """Hosts that may see it: `mail.corp.example`, `*.corp.example`, `mail.corp.example:8443`; ports 443, 993 and 143
    where none is named. Without it, those of its targets' endpoints, and what is well known of Exchange Online."""


class Push(Section):
    """A push channel held open beside the periodic attempts."""

    hold: Duration = 480.0
    """Longest single hold (IDLE, Ping heartbeat)."""
    life: Duration = 3600.0
    """Time after which the session is renewed; not shorter than `hold`."""
    marker: Interval | None = None
    """Put a small message into the mailbox this often, and measure how soon the channel tells of it. None by default:
    it writes."""

    @model_validator(mode="after")
    def _in_order(self) -> "Push":
        if self.life < self.hold:
            raise ValueError("life must not be shorter than hold")
        return self


PushChoice = Annotated[Annotated[Push, Tag(SECTION)] | Annotated[bool, Tag(WORD)], Discriminator(_form)]


class ClientEntry(Section):
    """One client on a target."""

    client: Text
    """Client to emulate."""
    credential: Text | None = None
    """Credential to sign in with; none means depth `reach`."""
    interval: Interval | None = None
    """Time between attempts."""
    timeout: Timeout | None = None
    """Longest time of one whole attempt."""
    depth: Annotated[Depth, Field(strict=False)] | None = None
    """How deep to go; `mailbox` with a credential, `reach` without."""
    endpoints: dict[str, Text] = {}
    """URLs of this client alone, by endpoint name: where they differ from those of the target."""
    steps: list[Text] = []
    """Opt-in steps to run."""
    objective: Duration | None = None
    """Latency objective: a slower success is `slow`."""
    options: dict[str, Any] = {}
    """The client's own options."""
    push: PushChoice = False
    """Hold the client's push channel open as well."""
    push_credential: Text | None = None
    """Credential for a push channel of another protocol than the client's own; without one, `credential`."""


class TargetSection(WayOut):
    """One mailbox, or one front door, behind one set of endpoints."""

    name: Name
    """Name of the target: a label."""
    environment: Literal["exchange_online", "exchange_server"]
    """Whose servers these are: sets default endpoints and a few rules of judgement."""
    host: Text | None = None
    """Host of all endpoints (`exchange_server`)."""
    endpoints: dict[str, Text] = {}
    """URLs that differ from the defaults, by endpoint name."""
    mailbox: Text | None = None
    """Address of the test mailbox."""
    address_file: Text | None = None
    """File that holds the address, so that it is not in the configuration."""
    canary: Annotated[str, Field(pattern=CANARY)] | None = None
    """Marker in the subject of an item of the inbox that every client of this mailbox must see: `prober enroll
    --canary` puts it there."""
    labels: dict[str, Text] = {}
    """Values of extra labels."""
    region: Name | None = None
    """Region, for the detector's groups."""
    family: Name | None = None
    """Family, for the detector's groups."""
    established: bool = False
    """Known to work, so that a first failure is not a set-up problem."""
    clients: list[ClientEntry] = []
    """Clients to run."""
    profiles: list[Text] = []
    """Named client lists to run as well."""


class Control(WayOut):
    """Something independent of the servers that are probed."""

    urls: Annotated[list[Text], Field(min_length=1, max_length=5)]
    """Pages that are known to be well, your own web site first; the control fails only when all fail."""
    interval: Interval = 60.0
    """Time between attempts."""
    timeout: Timeout | None = None
    """Longest time of one whole attempt; 60 s, and 30 s for each page where there are more than two."""


class Maintenance(Section):
    """A window in which probing goes on, but attempts are excluded."""

    start: Text
    """First moment (RFC 3339)."""
    end: Text
    """First moment after it (RFC 3339)."""
    every: Duration | None = None
    """Repeat after this time, for ever: `1d`, `7d`."""
    targets: list[Text] = []
    """Targets it holds for; none named means all."""
    comment: Annotated[str, Field(max_length=1024)] = ""
    """For readers."""


class ServiceHealthSection(WayOut):
    """Microsoft's own notices, read from Graph's service communications and compared with what is seen here."""

    credential: Text
    """Credential of an application that holds `ServiceHealth.Read.All`, or of a user who consented to it."""
    interval: Interval = 300.0
    """Time between two readings, at least one minute; the server may ask for more."""
    url: Text = "https://graph.microsoft.com/v1.0"
    """Base URL of Graph, with the version."""
    services: Annotated[list[Text], Field(min_length=1, max_length=16), AfterValidator(_unique)] = [
        *("Exchange Online", "Microsoft 365 suite", "Microsoft Entra", "Microsoft Copilot (Microsoft 365)")
    ]
    """Display names of the services whose notices are read: labels."""


class HttpListSection(WayOut):
    """A list of targets that a server hands out. It is fetched whole each time; any answer but 200 is a bad one."""

    url: Text
    """Where the list is: entries as in `targets`, in JSON or YAML, at most 1 MiB. It is shown on `/config`."""
    interval: Interval = 60.0
    """Time between two fetches, at least one second."""
    timeout: Timeout = 10.0
    """Longest time of one whole fetch."""
    token_file: Text | None = None
    """File of a bearer token to show to that server; read anew for each fetch."""
    token_env: Text | None = None
    """Environment variable that holds the token."""
    username: Annotated[str, Field(max_length=1024), AfterValidator(_one_line)] = ""
    """User name for Basic authentication, instead of a token."""
    password_file: Text | None = None
    """File that holds the password; read anew for each fetch."""
    password_env: Text | None = None
    """Environment variable that holds the password."""


class DiscoverySection(Section):
    """Targets that stand elsewhere, written by programs. They may name nothing that is not configured here."""

    files: list[Text] = []
    """Files of targets, or patterns of their names (`targets/*.json`): each a list of entries as in `targets`, in YAML
    or JSON."""
    http: Annotated[list[HttpListSection], Field(max_length=16)] = []
    """Lists of targets that servers hand out, fetched again and again."""


class Document(Section):
    """A whole configuration."""

    global_: Annotated[Global, Field(alias="global")] = Global()
    """What holds for everything that does not say otherwise."""
    credentials: dict[Name, Credential] = {}
    """Credentials by name."""
    profiles: dict[Name, list[ClientEntry]] = {}
    """Client lists by name, so that twenty mailboxes do not repeat nine entries."""
    targets: list[TargetSection] = []
    """What is probed."""
    discovery: DiscoverySection = DiscoverySection()
    """Targets that stand elsewhere, beside those of `targets`."""
    control: Control | None = None
    """Something independent, so that a fault of our own way out is known as such."""
    token_service: TokenService = TokenService()
    """The way out to the token service."""
    service_health: ServiceHealthSection | None = None
    """Microsoft's own notices, beside what is probed; without it none are read."""
    maintenance: list[Maintenance] = []
    """Windows in which attempts are excluded."""
    pacing: Pacing = Pacing()
    """How close together attempts may start."""
    budgets: BudgetsSection = BudgetsSection()
    """What the prober allows itself."""
    detector: DetectorSection = DetectorSection()
    """How sure a page must be, and how closely a failure is looked at."""
    storage: Storage = Storage()
    """What survives a restart."""
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    """On how many processes the assignments are spread; one by default, which then does everything itself."""
