"""The taxonomy is data that dashboards rely on: closed, unique, never renamed."""

import importlib
import pkgutil
from collections import Counter
from collections.abc import Iterator, Mapping

import prober
from prober.faults import taxonomy
from prober.faults.taxonomy import Counting, Fault, FaultError, Kind, Reason
from prober.vocabulary import Domain, Phase

COUNTING = {
    Counting.AMBIGUOUS: "dns_failure connect_refused connect_timeout tls_handshake tls_certificate "
    "unexpected_challenge",
    Counting.SERVICE: "connection_reset read_timeout redirect_loop token_service_error server_busy server_error "
    "mailbox_unavailable protocol_violation push_channel_lost stale_data",
    Counting.PROBE: "auth_rejected access_policy client_misconfig probe_internal",
    Counting.THROTTLED: "throttled",
    Counting.SEPARATE: "slow",
}


def kinds() -> Iterator[tuple[str, Kind]]:
    """Every kind of the program: module attributes, and those in tables."""
    for found in pkgutil.walk_packages(prober.__path__, "prober."):
        if found.name.endswith("__main__"):
            continue
        module = importlib.import_module(found.name)
        for value in vars(module).values():
            values = value.values() if isinstance(value, Mapping) else [value]
            yield from ((found.name, one) for one in values if isinstance(one, Kind))


def test_there_are_twenty_one_reasons_and_slow_and_each_counts_as_it_should() -> None:
    expected = {name: counting for counting, names in COUNTING.items() for name in names.split()}
    assert {reason.value: reason.counting for reason in Reason} == expected
    assert len(expected) == 22


def test_a_code_belongs_to_one_kind_in_the_whole_program() -> None:
    meanings: dict[str, set[Kind]] = {}
    for _, kind in kinds():
        meanings.setdefault(kind.code, set()).add(kind)
    doubled = {code: found for code, found in meanings.items() if len(found) > 1}
    assert doubled == {}
    assert len(meanings) > 100


def test_codes_are_snake_case() -> None:
    assert [
        kind.code for _, kind in kinds() if not kind.code.replace("_", "").isalnum() or kind.code.lower() != kind.code
    ] == []


def test_a_kind_says_where_the_fault_lies() -> None:
    assert taxonomy.PROXY_DENIED.domain is Domain.PROXY
    assert taxonomy.PROXY_DENIED.reason is Reason.PROBE_INTERNAL
    assert taxonomy.TLS_EXPIRED.domain is Domain.TLS


def test_a_reason_is_its_label_value() -> None:
    assert f"{Reason.DNS_FAILURE}" == "dns_failure"
    assert Counter(reason.value for reason in Reason).most_common(1)[0][1] == 1


def test_a_known_phase_is_not_overwritten() -> None:
    fault = Fault(taxonomy.TCP_REFUSED)
    assert fault.during(Phase.CONNECT).phase is Phase.CONNECT
    assert fault.during(Phase.CONNECT).during(Phase.TLS).phase is Phase.CONNECT
    assert fault.during(None) is fault


def test_evidence_cannot_be_changed_afterwards() -> None:
    given = {"a": "b"}
    fault = FaultError(taxonomy.TCP_REFUSED, given).fault
    given["a"] = "c"
    assert dict(fault.evidence) == {"a": "b"}
