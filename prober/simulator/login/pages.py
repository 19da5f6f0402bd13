"""The sign-in page, as far as a client looks at it: a configuration block with the page's id and where it posts to."""

import html
import json

from prober.simulator.http.message import Reply, html_reply

PAGE_ID = "ConvergedSignIn"


def signin(tenant: str, query: dict[str, str], *, error: int = 0) -> Reply:
    """Return the page that asks for name and password; `query` are the parameters of the authorisation request."""
    config = {
        "pgid": PAGE_ID,
        "urlPost": f"/{tenant}/login",
        "sTenantId": tenant,
        "sErrorCode": str(error) if error else "",
        "country": "NL",
    }
    hidden = _hidden(query)
    script = json.dumps(config).replace("</", "<\\/")
    wrong = "<p>Your account or password is incorrect.</p>" if error else ""
    return html_reply(
        "<!doctype html><html><head><title>Sign in to your account</title>"
        f"<script>//<![CDATA[\n$Config={script};\n//]]></script></head>"
        f"<body>{wrong}<form method=post action=/{html.escape(tenant, quote=True)}/login>{hidden}"
        "<input name=login type=email><input name=passwd type=password><button>Sign in</button></form></body></html>"
    )


def handed_back(redirect_uri: str, answer: dict[str, str]) -> Reply:
    """Return the page that posts the answer to the application (OAuth 2.0 Form Post Response Mode)."""
    action = html.escape(redirect_uri, quote=True)
    return html_reply(
        f'<!doctype html><html><body><form method=post action="{action}">{_hidden(answer)}'
        "<button>Continue</button></form></body></html>"
    )


def _hidden(fields: dict[str, str]) -> str:
    return "".join(
        f'<input type=hidden name="{html.escape(name, quote=True)}" value="{html.escape(value, quote=True)}">'
        for name, value in fields.items()
    )


def failure(code: int, text: str) -> Reply:
    """Return the page that says why no sign-in is possible."""
    said = f"AADSTS{code}: {html.escape(text)}"
    return html_reply(f"<!doctype html><html><head><title>Sign in</title></head><body><p>{said}</p></body></html>")
