"""Who signs in the people of a domain."""

import json

import pytest

from prober.faults.taxonomy import Reason
from prober.protocols.oidc.realm import Realm, UserRealm
from tests.protocols.eas.made import refused
from tests.protocols.oidc.made import outcomes, said

ASK = UserRealm("https://login.example.test:8443/contoso.test", "probe one+x@contoso.test")
FEDERATED: dict[str, object] = {
    "ver": "1.0",
    "account_type": "Federated",
    "domain_name": "contoso.test",
    "NameSpaceType": "Federated",
    "AuthURL": "https://fs.contoso.test/adfs/ls/?username=probe%40contoso.test&wa=wsignin1.0",
}


def test_the_question_names_the_address_in_its_path() -> None:
    """Under the tenant that all share; it does not show."""
    url = "https://login.example.test:8443/common/userrealm/probe%20one%2Bx%40contoso.test?api-version=2.0"
    assert ASK.call().url == url
    assert "probe" not in repr(ASK)


@pytest.mark.parametrize("namespace", ["Managed", "Unknown"])
def test_a_domain_of_the_cloud_has_no_federation_server(namespace: str) -> None:
    """Nor has one that nobody knows."""
    realm = ASK.read(said({"NameSpaceType": namespace, "AuthURL": "https://fs.test/"}))
    assert (realm.namespace, realm.federation) == (namespace, "")


def test_a_federated_domain_names_its_server() -> None:
    """Of which the host is enough."""
    assert ASK.read(said(FEDERATED)) == Realm("Federated", "fs.contoso.test")


@pytest.mark.parametrize(
    "answer",
    [
        *({}, [], {"NameSpaceType": 1}, {"NameSpaceType": "managed"}, {"NameSpaceType": ["Managed"]}),
        *(FEDERATED | {"AuthURL": wrong} for wrong in (None, "", "http://fs.test/", "https://u:p@fs.test/", 7)),
    ],
)
def test_an_answer_that_says_neither_is_broken(answer: object) -> None:
    """And nothing of it shows."""
    fault = refused(ASK.read, said(answer))
    assert (fault.kind.code, fault.reason) == ("user_realm_broken", Reason.TOKEN_SERVICE_ERROR)
    assert "contoso" not in str(fault)


def test_any_bytes_are_read_or_refused() -> None:
    """Never a traceback."""
    assert outcomes(ASK.read, json.dumps(FEDERATED).encode()) == {"read", "user_realm_broken"}
