import pytest
from hypothesis import given
from hypothesis import strategies as st

from guest.git.addresses import Address, check
from shared.errors import Code, Fault

ALL = ("https", "ssh", "git", "http", "file")


@pytest.mark.parametrize(
    ("url", "protocol", "server"),
    [
        ("https://example.org/a/b.git", "https", "example.org"),
        ("https://Example.org:8443/a", "https", "example.org:8443"),
        ("HTTPS://example.org/a", "https", "example.org"),
        ("https://[::1]:8443/a", "https", "[::1]:8443"),
        ("ssh://git@example.org/a.git", "ssh", "example.org"),
        ("ssh://example.org:22/~user/a", "ssh", "example.org:22"),
        ("git@example.org:a/b.git", "ssh", "example.org"),
        ("git://example.org/a", "git", "example.org"),
        ("http://example.org/a", "http", "example.org"),
        ("file:///srv/a.git", "file", ""),
    ],
)
def test_git_s_notations_are_understood(url: str, protocol: str, server: str) -> None:
    assert Address(protocol, server) == check(url, ALL)


@pytest.mark.parametrize(
    "url",
    [
        "--upload-pack=touch /tmp/x",
        "--upload-pack=x",
        "-oProxyCommand=x",
        "ext::sh -c x",
        "ext::sh",
        "example.org:a/b.git",
        "javascript:alert(1)",
        "fd::17",
        "::x",
        "ext://x/y",
        "ftp://example.org/a",
        "/etc",
        "./a",
        "../a",
        "a",
        "",
        "https://",
        "https:///a",
        "https://example.org",
        "https://example.org/",
        "https://-oProxyCommand=x/a",
        "ssh://-oProxyCommand=x/a",
        "ssh://git@-oProxyCommand=x/a",
        "ssh://-x@example.org/a",
        "-oProxyCommand=x:a",
        "git@-oProxyCommand=x:a",
        "-x@example.org:a",
        "git@example.org:-x",
        "git@example.org:",
        "https://example.org:0/a",
        "https://example.org:65536/a",
        "https://example.org:/a",
        "https://example.org:x/a",
        "https://exa mple.org/a",
        "https://example.org/a\nb",
        "https://example.org/a\x00",
        "https://example.org\\@evil.org/a",
        "file://host/a",
        "file://-x/a",
        "https://ex%61mple.org/a",
    ],
)
def test_anything_else_is_refused(url: str) -> None:
    with pytest.raises(Fault) as raised:
        check(url, ALL)
    assert Code.BAD_REQUEST == raised.value.code


@pytest.mark.parametrize(
    "url",
    [
        "https://user:password@example.org/a",
        "https://token@example.org/a",
        "ssh://user:password@example.org/a",
        "git://user@example.org/a",
        "https://a@b@example.org/a",
    ],
)
def test_a_credential_in_the_address_is_refused_with_advice_and_not_echoed(url: str) -> None:
    with pytest.raises(Fault, match="use `auth`") as raised:
        check(url, ALL)
    assert "password" not in raised.value.message
    assert "token" not in raised.value.message


@pytest.mark.parametrize("url", ["http://example.org/a", "file:///a", "git://example.org/a"])
def test_a_protocol_that_is_not_allowed_is_refused(url: str) -> None:
    with pytest.raises(Fault, match="not allowed"):
        check(url, ("https", "ssh"))


@given(st.text(max_size=60))
def test_no_text_gets_a_dash_or_a_helper_past_the_check(text: str) -> None:
    try:
        address = check(text, ALL)
    except Fault as fault:
        assert Code.BAD_REQUEST == fault.code
    else:
        assert address.protocol in ALL
        assert not text.startswith("-")
        assert not address.server.startswith("-")
        assert "::" not in text.split("/", maxsplit=1)[0] or text.startswith("[")
