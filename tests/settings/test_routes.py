"""A section's way out is its own words, and those of `global` where it has none."""

from pathlib import Path

import pytest

from prober.net.route import Proxy, Route, TlsPolicy
from prober.settings.document import Global, TargetSection, TokenService
from prober.settings.files import Files
from prober.settings.mistakes import Mistakes
from prober.settings.routes import Routes
from tests.settings.made import Loading, lines

BARE = "targets: [{name: x, environment: exchange_online, clients: [{client: imap4}]%s}]"


def routes(mistakes: Mistakes, base: Global) -> Routes:
    return Routes(base, mistakes, Files(mistakes, check=False))


def target(**keys: object) -> TargetSection:
    return TargetSection.model_validate({"name": "x", "environment": "exchange_online", **keys})


def test_a_silent_configuration_takes_the_plain_way(mistakes: Mistakes) -> None:
    assert routes(mistakes, Global()).route(target(), ("targets", 0)) == Route()


def test_what_a_section_leaves_open_is_taken_from_global_key_by_key(mistakes: Mistakes, tmp_path: Path) -> None:
    base = Global.model_validate(
        {
            "tls": {"ca_file": "ca.pem", "minimum_version": "1.3"},
            "network": {
                "family": "ipv4",
                "timestamps": "kernel",
                "resolver": ["192.0.2.53"],
                "connect_to": {"Mail.Corp.example": "192.0.2.1"},
            },
            "proxy": {"url": "http://proxy:3128", "no_proxy": [".corp"]},
        }
    )
    here = target(tls={"minimum_version": "1.2", "server_name": "s"}, network={"family": "auto"})
    assert routes(mistakes, base).route(here, ("targets", 0)) == Route(
        tls=TlsPolicy(ca_file=str(tmp_path / "ca.pem"), server_name="s", minimum_version="1.2"),
        proxy=Proxy("http://proxy:3128"),
        no_proxy=(".corp",),
        family="auto",
        resolver=("192.0.2.53",),
        connect_to={"mail.corp.example": "192.0.2.1"},
        timestamps="kernel",
    )
    assert not mistakes


def test_a_section_may_go_without_the_proxy_of_all(mistakes: Mistakes) -> None:
    base = Global.model_validate({"proxy": {"url": "http://proxy:3128", "no_proxy": [".corp"]}})
    direct = routes(mistakes, base).route(target(proxy="none"), ("targets", 0))
    other = routes(mistakes, base).route(target(proxy={"url": "http://other:1"}), ("targets", 0))
    assert (direct.proxy, direct.no_proxy) == (None, ())
    assert (other.proxy, other.no_proxy) == (Proxy("http://other:1"), ())


def test_a_certificate_never_goes_with_the_key_of_another(mistakes: Mistakes, tmp_path: Path) -> None:
    base = Global.model_validate({"tls": {"certificate_file": "a.pem", "key_file": "a.key"}})
    own = routes(mistakes, base).route(target(tls={"certificate_file": "b.pem"}), ("targets", 0)).tls
    inherited = routes(mistakes, base).route(target(), ("targets", 0)).tls
    assert (own.certificate_file, own.key_file) == (str(tmp_path / "b.pem"), None)
    assert (inherited.certificate_file, inherited.key_file) == (str(tmp_path / "a.pem"), str(tmp_path / "a.key"))


def test_managed_identities_are_asked_for_past_the_proxy(mistakes: Mistakes) -> None:
    """169.254.169.254 is link-local: the proxy's own machine would answer, or nobody."""
    base = Global.model_validate({"proxy": {"url": "http://proxy:3128", "no_proxy": [".corp"]}})
    assert routes(mistakes, base).token_route(TokenService()).no_proxy == (".corp", "169.254.169.254")
    assert routes(mistakes, Global()).token_route(TokenService()) == Route()


@pytest.mark.parametrize("key", ["source_address", "resolver"])
def test_a_mistake_of_global_is_told_once_and_where_it_stands(loaded: Loading, key: str) -> None:
    """Although it is read for every target, the control and the token service."""
    value = "here" if key == "source_address" else "[here]"
    text = f"global: {{network: {{{key}: {value}}}}}\ncontrol: {{urls: ['https://a/']}}\n" + BARE % ""
    with pytest.raises(Exception, match=rf"f\.yml:1:\d+: global\.network\.{key}(\[0\])?: 'here' is not ") as caught:
        loaded(text)
    assert len(str(caught.value).splitlines()) == 1


def test_the_password_of_a_proxy_is_read_and_not_shown(loaded: Loading) -> None:
    settings = loaded(
        "global: {proxy: {url: 'http://p:1', username: u, password_env: PROBER_TEST_SECRET}}\n" + BARE % ""
    )
    proxy = settings.routes["x"].proxy
    assert proxy is not None
    assert proxy.password is not None
    assert proxy.password.reveal() == "secret"
    assert "'secret'" not in repr(settings)


def test_a_proxy_user_is_checked(mistakes: Mistakes) -> None:
    base = Global.model_validate({"proxy": {"url": "http://p:1", "username": "a:b"}})
    routes(mistakes, base).route(base, ("global",))
    assert lines(mistakes) == ["global.proxy.username: must not hold a colon (RFC 7617)"]
