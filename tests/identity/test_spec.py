from prober.identity.spec import CredentialType


def test_passwords_yield_no_tokens_and_everything_else_does() -> None:
    assert {one for one in CredentialType if not one.bearer} == {
        CredentialType.BASIC,
        CredentialType.NTLM,
        CredentialType.NEGOTIATE,
    }
