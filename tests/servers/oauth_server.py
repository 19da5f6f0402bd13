"""A real OAuth 2.0 authorisation server: Authlib on Flask, over TLS, with the paths of Microsoft's token service.

It issues JWTs that Dovecot accepts, and can be told to issue bad ones, to answer nonsense, to hang, or to be away.
"""

import secrets
import socket
import socketserver
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin, InvalidClientError, TokenMixin, grants
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion
from authlib.oauth2.rfc7662 import IntrospectionEndpoint
from flask import Flask, Response, jsonify, request
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from tests.servers.dovecot import PASSWORDS, LocalTokens
from tests.servers.pki import KeyPair
from tests.servers.ports import HOST

TENANT = "example.test"
IMAP_SCOPE = "IMAP.AccessAsUser.All"
SCOPES = (IMAP_SCOPE, "EAS.AccessAsUser.All", "full_access_as_app")
RESOURCE = "https://outlook.office365.com/"
WITHOUT_MEANING_HERE = {"offline_access", "openid", "profile"}
CLIENT_METHODS = ["client_secret_basic", "client_secret_post", "client_assertion_jwt", "federated", "none"]
INTROSPECTOR, INTROSPECTOR_SECRET = "dovecot", "dovecot-secret"
LONGEST_HANG = 60.0  # seconds; a request held back is let go with its block, this only bounds a broken test


@dataclass(frozen=True, slots=True)
class Application(ClientMixin):  # type: ignore[misc] # Authlib has no types
    """One registered client. Its own tokens, and nobody else's, are for `mailbox`. Without any secret it is public."""

    client_id: str
    mailbox: str
    secret: str | None = None
    certificate: KeyPair | None = None
    federated: KeyPair | None = None
    federated_subject: str = ""

    @property
    def methods(self) -> set[str]:
        """How it may authenticate."""
        known = {
            "client_secret_basic": self.secret,
            "client_secret_post": self.secret,
            "client_assertion_jwt": self.certificate,
            "federated": self.federated,
        }
        return {method for method, means in known.items() if means} or {"none"}

    def get_client_id(self) -> str:
        return self.client_id

    def get_allowed_scope(self, scope: str | None) -> str | None:
        """Return the short names of what is granted, or `None`: something was asked for that does not exist."""
        asked = {name.rsplit("/", 1)[-1] for name in (scope or "").split()} - WITHOUT_MEANING_HERE
        if not asked or ".default" in asked:
            return " ".join(SCOPES)
        return " ".join(sorted(asked)) if asked <= set(SCOPES) else None

    def check_client_secret(self, client_secret: str) -> bool:
        return self.secret is not None and secrets.compare_digest(self.secret, client_secret)

    def check_endpoint_auth_method(self, method: str, _endpoint: str) -> bool:
        return method in self.methods

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type != "client_credentials" or self.methods != {"none"}


@dataclass(slots=True)
class Issued(TokenMixin):  # type: ignore[misc] # Authlib has no types
    """One answer of the token endpoint, kept for introspection and refreshing."""

    client_id: str
    user: str
    scope: str
    access_token: str
    refresh_token: str
    expires_at: float
    rotated: bool = False

    def check_client(self, client: Application) -> bool:
        return self.client_id == client.client_id

    def get_scope(self) -> str:
        """Return every spelling in which the same scope may be asked for again."""
        names = [*self.scope.split(), ".default"]
        return " ".join([*names, *(RESOURCE + name for name in names), *WITHOUT_MEANING_HERE])

    def is_expired(self) -> bool:
        return self.expires_at < time.time()

    def is_revoked(self) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """One request the token endpoint got: its form, and the status it was answered with."""

    form: Mapping[str, str]
    authorization: str | None
    status: int


@dataclass(slots=True)
class Tokens:
    """What access tokens are made of. `claims` override the usual ones; `malformed` replaces the whole token."""

    key: RSAKey
    claims: dict[str, object] = field(default_factory=dict)
    typ: str = "JWT"
    malformed: str | None = None
    lifetime: int = 3600


class OAuthServer:
    """Listens on `port` while entered. Users are those of Dovecot."""

    def __init__(self, certificate: KeyPair) -> None:
        self.port = 0
        self.applications: dict[str, Application] = {}
        self.issued: list[Issued] = []
        self.requests: list[TokenRequest] = []
        self.tokens = Tokens(RSAKey.generate_key(2048))
        self.used_assertions: set[str] = set()
        self.register(Application(INTROSPECTOR, "", INTROSPECTOR_SECRET))
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._tls.load_cert_chain(certificate.certificate_file, certificate.key_file)
        self._answer: tuple[int, Mapping[str, object] | str] | None = None
        self._free = threading.Event()
        self._free.set()
        self._app = _application(self)
        self._listener: BaseWSGIServer | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._listen()
        return self

    def __exit__(self, *_: object) -> None:
        self._free.set()
        self._close()

    @property
    def url(self) -> str:
        """Base URL: the `authority` of a credential."""
        return f"https://localhost:{self.port}"

    @property
    def issuer(self) -> str:
        """The `iss` of tokens."""
        return f"{self.url}/"

    @property
    def token_url(self) -> str:
        """The token endpoint of tenant `TENANT`."""
        return f"{self.url}/{TENANT}/oauth2/v2.0/token"

    @property
    def introspection_url(self) -> str:
        """The introspection endpoint, with Dovecot's own credentials."""
        return f"https://{INTROSPECTOR}:{INTROSPECTOR_SECRET}@localhost:{self.port}/introspect"

    @property
    def public_key(self) -> str:
        """The key (PEM) that verifies tokens."""
        return self.tokens.key.as_pem(private=False).decode()

    def local_tokens(self) -> LocalTokens:
        """Return what lets Dovecot check tokens by itself."""
        return LocalTokens(self.issuer, {"default/RS256/default": self.public_key}, IMAP_SCOPE)

    def register(self, application: Application) -> Application:
        """Make an application known."""
        self.applications[application.client_id] = application
        return application

    def consent(self, client_id: str, user: str) -> str:
        """Return a refresh token, as an interactive sign-in of `user` would leave behind."""
        issued = Issued(client_id, user, " ".join(SCOPES), "", secrets.token_urlsafe(32), time.time())
        self.issued.append(issued)
        return issued.refresh_token

    @contextmanager
    def answering(self, status: int, payload: Mapping[str, object] | str) -> Iterator[None]:
        """Give every request this answer for the length of a block; text is sent as a web page."""
        self._answer = (status, payload)
        try:
            yield
        finally:
            self._answer = None

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Take requests and answer none of them before the block ends."""
        self._free.clear()
        try:
            yield
        finally:
            self._free.set()

    @contextmanager
    def down(self) -> Iterator[None]:
        """Refuse connections for the length of a block."""
        self._close()
        try:
            yield
        finally:
            self._listen()

    @contextmanager
    def issuing(self, **shape: Any) -> Iterator[None]:
        """Change fields of `tokens` for the length of a block."""
        usual = {name: getattr(self.tokens, name) for name in shape}
        self._shape(shape)
        try:
            yield
        finally:
            self._shape(usual)

    def told(self) -> Response | None:
        """Wait while hanging; return the answer all requests get at this time, if there is one."""
        self._free.wait(LONGEST_HANG)
        if self._answer is None:
            return None
        status, payload = self._answer
        if isinstance(payload, str):
            return Response(payload, status, content_type="text/html")
        answer = jsonify(payload)
        answer.status_code = status
        return answer

    def make_access_token(self, *, client: Application, grant_type: str, user: str | None, scope: str) -> str:
        """Sign a JWT (RFC 7519); Authlib's generator calls this."""
        if self.tokens.malformed is not None:
            return self.tokens.malformed
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": RESOURCE,
            "sub": user or client.client_id,
            "appid": client.client_id,
            "email": user or client.mailbox,
            "scope": scope,
            "idtyp": "app" if grant_type == "client_credentials" else "user",
            "iat": now,
            "nbf": now - 5,
            "exp": now + self.tokens.lifetime,
            "jti": secrets.token_hex(8),
        }
        header = {"alg": "RS256", "typ": self.tokens.typ}
        return jwt.encode(header, claims | self.tokens.claims, self.tokens.key)

    def save(self, token: Mapping[str, Any], made: Any) -> None:
        """Remember what was issued; Authlib calls this."""
        user = made.user or made.client.mailbox
        refresh = token.get("refresh_token", "")
        expires_at = time.time() + self.tokens.lifetime
        self.issued.append(
            Issued(made.client.client_id, user, token["scope"], token["access_token"], refresh, expires_at)
        )

    def _shape(self, shape: Mapping[str, Any]) -> None:
        for name, value in shape.items():
            setattr(self.tokens, name, value)

    def _listen(self) -> None:
        with socket.create_server((HOST, self.port)) as bound:
            listener = make_server(HOST, 0, self._app, threaded=True, request_handler=_QuietHandler, fd=bound.fileno())
        # werkzeug would shake hands while accepting, and one silent client would block all others
        listener.ssl_context = self._tls
        listener.socket = self._tls.wrap_socket(listener.socket, server_side=True, do_handshake_on_connect=False)
        listener.handle_error = _ignore  # type: ignore[method-assign] # a client that breaks off is no news
        self.port = listener.port
        self._listener = listener
        self._thread = threading.Thread(
            target=socketserver.BaseServer.serve_forever, args=(listener, 0.01), daemon=True
        )
        self._thread.start()

    def _close(self) -> None:
        if self._listener is not None and self._thread is not None:
            self._listener.shutdown()
            self._thread.join()
            self._listener.server_close()
        self._listener = None


def aadsts(code: int, error: str, text: str) -> dict[str, object]:
    """Return the body with which Microsoft's token service refuses, for `OAuthServer.answering(401, …)`."""
    return {
        "error": error,
        "error_description": f"AADSTS{code}: {text} Trace ID: 00000000-0000-0000-0000-000000000000",
        "error_codes": [code],
        "timestamp": "2030-01-01 00:00:00Z",
        "trace_id": "00000000-0000-0000-0000-000000000000",
        "correlation_id": "00000000-0000-0000-0000-000000000001",
    }


SECRET_EXPIRED = aadsts(7000222, "invalid_client", "The provided client secret keys for app 'prober' are expired.")


def _application(server: OAuthServer) -> Flask:
    """Return the web application of `server`."""
    app = Flask("oauth_server")
    authorization = AuthorizationServer(app, server.applications.get, server.save)
    generator = BearerTokenGenerator(
        server.make_access_token, lambda **_: secrets.token_urlsafe(32), lambda *_: server.tokens.lifetime
    )
    authorization.register_token_generator("default", generator)
    authorization.register_client_auth_method("client_assertion_jwt", _CertificateAssertion(server))
    authorization.register_client_auth_method("federated", _FederatedAssertion(server))
    for grant in (_ClientCredentials, _password_grant(), _refresh_grant(server)):
        authorization.register_grant(grant)
    authorization.register_endpoint(_introspection(server))

    @app.before_request
    def told() -> Response | None:
        answer = server.told()
        if answer is not None and request.path.endswith("/token"):
            _record(server, answer)
        return answer

    @app.after_request
    def close(answer: Response) -> Response:
        answer.headers["Connection"] = "close"
        return answer

    @app.post("/<tenant>/oauth2/v2.0/token")
    def token(tenant: str) -> Response:
        answer: Response = authorization.create_token_response()
        return _record(server, answer)

    @app.post("/introspect")
    def introspect() -> Response:
        answer: Response = authorization.create_endpoint_response("introspection")
        return answer

    return app


def _record(server: OAuthServer, answer: Response) -> Response:
    form = request.form.to_dict()
    server.requests.append(TokenRequest(form, request.headers.get("Authorization"), answer.status_code))
    return answer


class _ClientCredentials(grants.ClientCredentialsGrant):  # type: ignore[misc] # Authlib has no types
    TOKEN_ENDPOINT_AUTH_METHODS = CLIENT_METHODS


def _password_grant() -> type:
    class Password(grants.ResourceOwnerPasswordCredentialsGrant):  # type: ignore[misc] # Authlib has no types
        TOKEN_ENDPOINT_AUTH_METHODS = CLIENT_METHODS

        def authenticate_user(self, username: str, password: str) -> str | None:
            return username if PASSWORDS.get(username) == password else None

    return Password


def _refresh_grant(server: OAuthServer) -> type:
    class Refresh(grants.RefreshTokenGrant):  # type: ignore[misc] # Authlib has no types
        TOKEN_ENDPOINT_AUTH_METHODS = CLIENT_METHODS
        INCLUDE_NEW_REFRESH_TOKEN = True

        def authenticate_refresh_token(self, refresh_token: str) -> Issued | None:
            usable = (issued for issued in server.issued if not issued.rotated)
            return next((issued for issued in usable if issued.refresh_token == refresh_token), None)

        def authenticate_user(self, refresh_token: Issued) -> str:
            return refresh_token.user

        def revoke_old_credential(self, refresh_token: Issued) -> None:
            refresh_token.rotated = True

    return Refresh


def _introspection(server: OAuthServer) -> type:
    class Introspection(IntrospectionEndpoint):  # type: ignore[misc] # Authlib has no types
        def query_token(self, token_string: str, _hint: str | None) -> Issued | None:
            return next((issued for issued in server.issued if issued.access_token == token_string), None)

        def check_permission(self, _token: Issued, client: Application, _request: object) -> bool:
            return client.client_id == INTROSPECTOR

        def introspect_token(self, token: Issued) -> dict[str, object]:
            expires = int(token.expires_at)
            return {"username": token.user, "scope": token.scope, "client_id": token.client_id, "exp": expires}

    return Introspection


class _CertificateAssertion(JWTBearerClientAssertion):  # type: ignore[misc] # Authlib has no types
    """`private_key_jwt` (RFC 7523), with the algorithms Microsoft's token service takes."""

    ALGORITHMS = ("PS256", "RS256")

    def __init__(self, server: OAuthServer) -> None:
        super().__init__()
        self._server = server

    def __call__(self, query_client: Any, made: Any) -> Any:
        client = query_client(made.form.get("client_id"))
        if client and self.CLIENT_AUTH_METHOD not in client.methods:
            return None
        return super().__call__(query_client, made)

    def get_audiences(self) -> list[str]:
        return [self._server.token_url]

    def validate_jti(self, claims: Mapping[str, Any], jti: str) -> bool:
        known = jti in self._server.used_assertions
        self._server.used_assertions.add(jti)
        return not known

    def resolve_client_public_key(self, client: Application) -> RSAKey | None:
        return _public(client.certificate)

    def process_assertion_claims(self, assertion: str, key: RSAKey) -> Any:
        """Check like Authlib, but with more algorithms than its JOSE library takes unasked."""
        try:
            token = jwt.decode(assertion, key, algorithms=list(self.ALGORITHMS))
        except JoseError as exc:
            raise InvalidClientError(description=exc.description) from exc
        self.verify_claims(token.claims)
        return token.claims


class _FederatedAssertion(_CertificateAssertion):
    """An assertion of another issuer about a workload it knows: subject and client id differ."""

    CLIENT_AUTH_METHOD = "federated"

    def __call__(self, query_client: Any, made: Any) -> Any:
        def by_subject(name: str | None) -> Application | None:
            client: Application | None = query_client(made.form.get("client_id"))
            known = client and name in (client.client_id, client.federated_subject)
            return client if known else None

        return super().__call__(by_subject, made)

    def resolve_client_public_key(self, client: Application) -> RSAKey | None:
        return _public(client.federated)

    def verify_claims(self, claims: Any) -> None:
        """Check the time alone: issuer and subject are another party's, and one assertion serves many requests."""
        try:
            jwt.JWTClaimsRegistry(exp={"essential": True}).validate(claims)
        except JoseError as exc:
            raise InvalidClientError(description=exc.description) from exc


def _public(pair: KeyPair | None) -> RSAKey | None:
    return RSAKey.import_key(Path(pair.certificate_file).read_bytes()) if pair else None


class _QuietHandler(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - werkzeug's name
        """Say nothing: failing tests show requests themselves."""


def _ignore(request: Any, client_address: Any) -> None:
    """Do nothing."""
