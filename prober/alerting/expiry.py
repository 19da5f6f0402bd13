"""What expires, and what is refused: certificates of the servers, credentials of the prober."""

from prober.alerting.detector import ON, WHERE
from prober.alerting.rule import Alert, Case, Rule, fires, quiet, series

CERTIFICATE = "clientaccess_tls_certificate_not_after_timestamp_seconds"
CREDENTIAL = "clientaccess_credential_expiry_timestamp_seconds"
TOKEN = "clientaccess_token_expiry_timestamp_seconds"  # noqa: S105 - the name of a metric
REFUSED = "clientaccess_token_failures_total"
DAY = 86_400
OURS = "auth_rejected|access_policy|client_misconfig"
LEFT = {"left": "{{ $value | humanizeDuration }}"}

CERTIFICATE_SOON = Alert(
    "ClientAccessCertificateExpiring",
    f"{CERTIFICATE} - time() < {14 * DAY}",
    "ticket",
    "mail",
    "The certificate that {client} meets on {target} ends soon",
    "It is valid for another {left}; negative when it has ended.",
    hold="15m",
    shown=LEFT,
)
CERTIFICATE_NOW = Alert(
    "ClientAccessCertificateEnding",
    f"{CERTIFICATE} - time() < {2 * DAY}",
    "page",
    "mail",
    "The certificate that {client} meets on {target} is about to end",
    "It is valid for another {left}; negative when it has ended. Clients will refuse the server.",
    hold="15m",
    shown=LEFT,
)
CREDENTIAL_SOON = Alert(
    "ClientAccessCredentialExpiring",
    f"{CREDENTIAL} - time() < {14 * DAY}",
    "ticket",
    "identity",
    "The prober's credential {credential} ends soon",
    "Its secret or certificate is valid for another {left}; negative when it has ended. Then attempts stop counting.",
    hold="15m",
    shown=LEFT,
)
CREDENTIAL_REFUSED = Alert(
    "ClientAccessCredentialRefused",
    f'sum by ({ON}, credential) (increase({REFUSED}{{reason=~"{OURS}"}}[1h])) > 0\n'
    f"  unless on ({ON}, credential) {TOKEN} > time()",
    "ticket",
    "identity",
    "The prober's credential {credential} is refused",
    "The token service answers, and refuses this credential: an expired secret, a withdrawn consent, a policy. "
    "Attempts are excluded; no user need be concerned.",
    hold="5m",
)
ALERTS: tuple[Rule, ...] = (CERTIFICATE_SOON, CERTIFICATE_NOW, CREDENTIAL_SOON, CREDENTIAL_REFUSED)
SEEN = {"client": "imap4", "target": "hq", **WHERE}
KNOWN = {"credential": "app", **WHERE}


def cases() -> tuple[Case, ...]:
    """Return the tests."""
    return (
        _ending(CERTIFICATE_SOON, CERTIFICATE, SEEN, 14),
        _ending(CERTIFICATE_NOW, CERTIFICATE, SEEN, 2),
        _ending(CREDENTIAL_SOON, CREDENTIAL, KNOWN, 14),
        _refused(),
        _still_valid(),
        _other_reason(),
    )


def _ending(alert: Alert, metric: str, labels: dict[str, str], days: int) -> Case:
    """It ends exactly `days` after the first hour; it is renewed after the second."""
    end = days * DAY + 3600
    return Case(
        f"{alert.name}: after {days} days less a quarter of an hour, until it is renewed",
        {series(metric, **labels): f"{end}x120 {end + 365 * DAY}x30"},
        (
            quiet("60m", alert),
            quiet("75m", alert),
            fires("80m", alert, labels, left=f"{days - 1}d 23h 40m 0s"),
            quiet("122m", alert),
        ),
    )


def _refused() -> Case:
    return Case(
        "a credential is refused after its last token has ended, and taken again",
        {
            series(REFUSED, **KNOWN, reason="auth_rejected"): "0x30 1+1x30 31x90",
            series(TOKEN, **KNOWN): "2400x69 9000x80",
        },
        (quiet("40m", CREDENTIAL_REFUSED), fires("50m", CREDENTIAL_REFUSED, KNOWN), quiet("71m", CREDENTIAL_REFUSED)),
    )


def _still_valid() -> Case:
    return Case(
        "a refusal while a token in hand is good is no reason yet",
        {
            series(REFUSED, **KNOWN, reason="auth_rejected"): "0x30 1x60",
            series(TOKEN, **KNOWN): "36000x90",
        },
        (quiet("60m", CREDENTIAL_REFUSED),),
    )


def _other_reason() -> Case:
    return Case(
        "a token service that fails is not a credential that is refused",
        {series(REFUSED, **KNOWN, reason="token_service_error"): "0x30 1+1x60"},
        (quiet("60m", CREDENTIAL_REFUSED),),
    )
