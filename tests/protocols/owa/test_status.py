"""Exceptions that Outlook on the web names."""

import pytest

from prober.faults.taxonomy import Reason
from prober.protocols.owa import status
from tests.protocols.oidc.made import said


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Microsoft.Exchange.Data.Storage.QuotaExceededException", Reason.CLIENT_MISCONFIG),
        ("Microsoft.Exchange.Clients.Owa2.Server.Core.OwaInvalidUserLicenseException", Reason.CLIENT_MISCONFIG),
        ("Microsoft.Exchange.Data.Storage.StoragePermanentException", Reason.MAILBOX_UNAVAILABLE),
        ("Microsoft.Mapi.MapiExceptionMailboxInTransit", Reason.MAILBOX_UNAVAILABLE),
        ("Microsoft.Exchange.Clients.Owa2.Server.Core.OwaExtendedErrorException", Reason.SERVER_ERROR),
        ("System.OutOfMemoryException", Reason.SERVER_ERROR),
    ],
)
def test_the_name_of_an_exception_says_whose_it_is(name: str, reason: Reason) -> None:
    """Quotas and licences before the storage layer that reports them; anything else is the server's error."""
    error = status.named(said(b"", 500, X_OWA_Error=name))
    assert error is not None
    assert error.fault.reason is reason
    assert error.fault.evidence == {"http_status": "500", "error": name}


@pytest.mark.parametrize("name", ["a b; probe@contoso.example", "x" * 5000, "\x00"])
def test_a_name_that_is_none_is_an_error_without_a_name(name: str) -> None:
    """Nothing of it is kept."""
    error = status.named(said(b"", 500, X_OWA_Error=name))
    assert error is not None
    assert error.fault.evidence == {"http_status": "500"}
    assert (status.named(said(b"", 500)), status.named(said(b"", 500, X_OWA_Error=" "))) == (None, None)
