import pytest

from infra.local.hosts import HostNames, bucket_of


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:4242",
        "127.0.0.1",
        "127.8.9.10:1",
        "localhost:4242",
        "LOCALHOST",
        "localhost.:80",
        "[::1]:4242",
        "bucket.localhost:4242",
        "deepcomposer.us-east-1.amazonaws.com",
        "DeepComposer.us-east-1.amazonaws.com:443",
        "music.example:4242",
    ],
)
def test_names_of_this_server_are_answered(host):
    assert HostNames(["Music.Example"]).allows(host)


@pytest.mark.parametrize(
    "host",
    [
        None,
        "",
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "evillocalhost",
        "music.example.evil",
        "sub.music.example",
        "deepcomposer.us-east-1.amazonaws.com.evil.example",
        "s3.us-east-1.amazonaws.com",
        "127.0.0.1,evil.example",
        "evil.example#localhost",
        "user@localhost",
        "localhost:port",
        "10.0.0.1",
        "[::2]",
    ],
)
def test_every_other_name_is_refused(host):
    assert not HostNames(["music.example"]).allows(host)


@pytest.mark.parametrize("name", ["http://music.example", "music.example:4242", "a b", ""])
def test_an_owner_names_hosts_without_scheme_or_port(name):
    with pytest.raises(ValueError, match="no host name"):
        HostNames([name])


def test_an_address_may_be_named():
    assert HostNames(["192.168.1.7", "[fd00::1]"]).allows("192.168.1.7:4242")
    assert HostNames(["192.168.1.7", "[fd00::1]"]).allows("[fd00::1]:4242")


@pytest.mark.parametrize(
    ("host", "bucket"),
    [
        ("my-music.localhost:4242", "my-music"),
        ("my.music.s3.localhost", "my.music"),
        ("s3.localhost:4242", None),
        ("localhost:4242", None),
        ("127.0.0.1:4242", None),
        ("my-music.example", None),
    ],
)
def test_a_bucket_may_stand_in_the_host_name(host, bucket):
    assert bucket_of(host) == bucket
