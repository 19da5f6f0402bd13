from prober.exchange import Call, Headers, Reply


def test_names_compare_without_case_and_keep_their_order() -> None:
    headers = Headers([("Set-Cookie", "a"), ("X", "1"), ("set-cookie", "b")])
    assert headers.get("x") == "1"
    assert headers.get("SET-COOKIE") == "a"
    assert headers.all("Set-Cookie") == ("a", "b")
    assert headers.get("absent", "-") == "-"
    assert "SET-cookie" in headers
    assert "absent" not in headers
    assert list(headers) == [("Set-Cookie", "a"), ("X", "1"), ("set-cookie", "b")]
    assert len(headers) == 3


def test_neither_bodies_nor_header_values_print_themselves() -> None:
    call = Call("POST", "https://h/", body=b"canary")
    reply = Reply(200, Headers([("Set-Cookie", "canary")]), b"canary")
    assert "canary" not in repr(call) + repr(reply)


def test_headers_are_values() -> None:
    assert Headers([("a", "b")]) == Headers([("a", "b")])
    assert hash(Headers([("a", "b")])) == hash(Headers([("a", "b")]))
    assert Headers([("a", "b")]) != Headers([("a", "c")])
