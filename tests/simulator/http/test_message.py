"""Requests as services see them."""

import json

from prober.simulator.http.message import Request, html_reply, json_reply, split_target, xml_reply
from prober.simulator.wire import Attempt, Connection, Host

HERE = Connection(1, Host("mail.test", "127.0.0.1", 443), "127.0.0.1", 0.0, Attempt("x", 1))


def request(*fields: tuple[str, str], body: bytes = b"") -> Request:
    return Request("POST", "/", fields, body, HERE)


def test_a_target_is_taken_apart() -> None:
    """Path unquoted, query decoded, the first of equal names wins, an empty value is a value."""
    path, query = split_target("/a%20b/c?User=x%40y&Cmd=Ping&Cmd=Sync&Empty=")
    assert path == "/a b/c"
    assert query == {"User": "x@y", "Cmd": "Ping", "Empty": ""}


def test_a_field_is_found_by_any_spelling() -> None:
    """`has` tells a field sent empty from one not sent."""
    asked = request(("authorization", ""), ("x-a", "1"), ("x-a", "2"))
    assert asked.header("X-A") == "1"
    assert asked.has("Authorization")
    assert not asked.has("X-B")
    assert asked.header("X-B", "none") == "none"


def test_cookies_of_all_fields_come_together() -> None:
    """Also several in one field."""
    assert request(("cookie", "a=1; b=2=3"), ("cookie", "c=4")).cookies == {"a": "1", "b": "2=3", "c": "4"}


def test_a_form_is_read_and_garbage_is_no_form() -> None:
    """Whatever bytes a client sends."""
    assert request(body=b"a=1&b=%C3%BC&c=").form == {"a": "1", "b": "ü", "c": ""}
    assert request(body=b"\xff\xfe").form == {"��": ""}


def test_replies_say_what_they_are() -> None:
    """JSON, page, XML."""
    assert json.loads(bytes(json_reply({"a": 1}).body)) == {"a": 1}  # type: ignore[arg-type]  # not a stream
    assert json_reply({}, 400).status == 400
    kinds = [dict(reply.headers)["Content-Type"] for reply in (json_reply({}), html_reply(""), xml_reply(b""))]
    assert [kind.partition(";")[0] for kind in kinds] == ["application/json", "text/html", "text/xml"]
