"""Provider metadata, as printed in the specification and as Entra ID gives it."""

import json

import pytest

from prober.faults.taxonomy import Reason
from prober.protocols.oidc import status
from prober.protocols.oidc.metadata import Metadata, Provider, of_federation, of_tenant
from tests.protocols.eas.made import refused
from tests.protocols.oidc.made import ERROR, outcomes, said

ASK = Metadata(of_tenant("https://login.example.test/common/"))
PRINTED = b"""
  {
   "issuer":
     "https://server.example.com",
   "authorization_endpoint":
     "https://server.example.com/connect/authorize",
   "token_endpoint":
     "https://server.example.com/connect/token",
   "token_endpoint_auth_methods_supported":
     ["client_secret_basic", "private_key_jwt"],
   "token_endpoint_auth_signing_alg_values_supported":
     ["RS256", "ES256"],
   "userinfo_endpoint":
     "https://server.example.com/connect/userinfo",
   "check_session_iframe":
     "https://server.example.com/connect/check_session",
   "end_session_endpoint":
     "https://server.example.com/connect/end_session",
   "jwks_uri":
     "https://server.example.com/jwks.json",
   "registration_endpoint":
     "https://server.example.com/connect/register",
   "scopes_supported":
     ["openid", "profile", "email", "address",
      "phone", "offline_access"],
   "response_types_supported":
     ["code", "code id_token", "id_token", "id_token token"],
   "claims_parameter_supported":
     true
  }
"""
"""OpenID Connect Discovery 1.0, section 4.2, less some of its optional members."""
ENTRA = {
    "issuer": "https://login.microsoftonline.com/{tenantid}/v2.0",
    "authorization_endpoint": "https://login.microsoftonline.com/common/oauth2/v2.0/authorize",
    "token_endpoint": "https://login.microsoftonline.com/common/oauth2/v2.0/token",
    "jwks_uri": "https://login.microsoftonline.com/common/discovery/v2.0/keys",
    "tenant_region_scope": None,
}
"""The metadata that all tenants of Entra ID share, as its documentation shows them."""


def test_the_printed_document_is_read() -> None:
    """Its four addresses."""
    assert ASK.read(said(PRINTED)) == Provider(
        issuer="https://server.example.com",
        authorization_endpoint="https://server.example.com/connect/authorize",
        token_endpoint="https://server.example.com/connect/token",
        jwks_uri="https://server.example.com/jwks.json",
    )


def test_the_issuer_of_all_tenants_has_a_place_for_the_tenant() -> None:
    """Which makes it no address, and good all the same."""
    assert ASK.read(said(ENTRA)).jwks_uri == ENTRA["jwks_uri"]


def test_the_document_stands_where_the_specification_puts_it() -> None:
    """Below the issuer (section 4.1): the tenant's, or the federation server's."""
    assert ASK.call().url == "https://login.example.test/common/v2.0/.well-known/openid-configuration"
    assert of_federation("fs.corp.test:8443") == "https://fs.corp.test:8443/adfs/.well-known/openid-configuration"


@pytest.mark.parametrize("name", ["issuer", "authorization_endpoint", "token_endpoint", "jwks_uri"])
@pytest.mark.parametrize("value", [None, "", 7, "http://server.example.com/", "https://"])
def test_an_address_that_is_missing_breaks_the_document(name: str, value: object) -> None:
    """Named among the evidence."""
    fault = refused(ASK.read, said(json.loads(PRINTED) | {name: value}))
    assert (fault.kind.code, fault.reason) == ("openid_metadata_broken", Reason.TOKEN_SERVICE_ERROR)
    assert fault.evidence["missing"] == name


def test_an_unknown_tenant_is_a_matter_of_set_up() -> None:
    """By the number in the refusal; without one it is the service's error."""
    assert refused(ASK.read, said(ERROR, 400)).reason is Reason.CLIENT_MISCONFIG
    assert refused(ASK.read, said(b"", 404)).kind.code == "openid_metadata_broken"
    broken = Metadata(of_federation("fs.corp.test"), status.FEDERATION_BROKEN)
    assert refused(broken.read, said(b"", 503)).kind.code == "federation_metadata_broken"


def test_any_bytes_are_read_or_refused() -> None:
    """Never a traceback."""
    assert outcomes(ASK.read, json.dumps(ENTRA).encode()) == {"read", "openid_metadata_broken"}
