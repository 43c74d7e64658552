from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import botocore.session
import pytest
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials, ReadOnlyCredentials, RefreshableCredentials

from service.storage.objects import UNTOLD_SESSION, Objects, new_object_key, prefix_of

NOW = datetime.now(UTC).replace(microsecond=123456)
HOUR = timedelta(hours=1)


def objects(credentials: Any, public_endpoint: str | None = "http://localhost:4242/") -> Objects:
    client = botocore.session.Session().create_client(
        "s3", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="y"
    )
    return Objects(client, "music", "us-east-1", credentials, public_endpoint)


def refreshable(expiry: datetime) -> RefreshableCredentials:
    return RefreshableCredentials("ASIAEXAMPLE", "secret", "token", expiry, refresh_using=lambda: {}, method="test")


def test_a_link_of_a_long_term_key_lives_as_long_as_asked() -> None:
    link = objects(Credentials("AKIAEXAMPLE", "secret")).link("compositions/x/y.mid", "Ode.mid", HOUR, NOW)
    assert link.expires == NOW.replace(microsecond=0) + HOUR
    query = parse_qs(urlsplit(link.url).query)
    assert query["X-Amz-Expires"] == ["3600"]
    assert query["response-content-disposition"] == ["attachment; filename=\"Ode.mid\"; filename*=UTF-8''Ode.mid"]
    assert link.url.startswith("http://localhost:4242/music/compositions/x/y.mid?")


def test_a_link_never_outlives_the_signers_session() -> None:
    now = datetime.now(UTC)  # botocore looks at the clock, too, and renews what ends within a quarter of an hour
    expiry = now + timedelta(minutes=30, seconds=1)
    link = objects(refreshable(expiry)).link("k", "f", HOUR, now)
    assert link.expires <= expiry
    assert int(parse_qs(urlsplit(link.url).query)["X-Amz-Expires"][0]) <= 30 * 60 + 1
    shorter = objects(refreshable(expiry)).link("k", "f", timedelta(minutes=5), now)
    assert shorter.expires == now.replace(microsecond=0) + timedelta(minutes=5)


class RenewedCredentials:
    """Credentials whose end is another one after each look at the keys; the keys stay those of the first session."""

    def __init__(self, *ends: datetime) -> None:
        self._ends = iter(ends)
        self._expiry_time = next(self._ends)

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        self._expiry_time = next(self._ends, self._expiry_time)
        return ReadOnlyCredentials("ASIAEXAMPLE", "secret", "token")


def test_a_link_never_outlives_a_session_that_another_thread_renews_meanwhile() -> None:
    soon, late = NOW + timedelta(minutes=30), NOW + timedelta(hours=24)
    assert objects(RenewedCredentials(soon, soon, late)).link("k", "f", HOUR, NOW).expires <= soon


def test_a_link_of_a_session_that_ended_while_nobody_asked_is_as_long_as_its_successor_allows() -> None:
    link = objects(RenewedCredentials(NOW - HOUR, NOW + timedelta(hours=24))).link("k", "f", HOUR, NOW)
    assert link.expires == NOW.replace(microsecond=0) + HOUR


def test_a_session_that_does_not_tell_its_end_is_trusted_for_an_hour() -> None:
    link = objects(Credentials("ASIAEXAMPLE", "secret", "token")).link("k", "f", timedelta(hours=12), NOW)
    assert link.expires <= NOW + UNTOLD_SESSION


def test_on_aws_a_link_leads_to_the_buckets_own_host() -> None:
    link = objects(Credentials("AKIAEXAMPLE", "secret"), None).link("a/b.mid", "f", HOUR, NOW)
    assert urlsplit(link.url).netloc == "music.s3.us-east-1.amazonaws.com"


@pytest.mark.parametrize("name", ["Ode.mid", 'Öde "an" die\r\nFreude; x=1.mid', "../../etc/passwd", "日本語.mp3"])
def test_a_file_name_cannot_break_out_of_its_header(name: str) -> None:
    link = objects(Credentials("AKIAEXAMPLE", "secret")).link("k", name, HOUR, NOW)
    (disposition,) = parse_qs(urlsplit(link.url).query)["response-content-disposition"]
    plain = disposition.removeprefix('attachment; filename="').partition('"')[0]
    assert disposition.isascii()
    assert disposition.isprintable()
    assert "/" not in plain
    assert disposition.count('"') == 2
    assert disposition.count(";") == 2


def test_the_signature_is_the_one_botocore_makes(monkeypatch: pytest.MonkeyPatch) -> None:
    credentials = Credentials("AKIAEXAMPLE", "secret")
    url = objects(credentials).link("a b/ü.mid", "Ode an die Freude.mid", HOUR, NOW).url
    parts = urlsplit(url)
    unsigned = parts.query.partition("&X-Amz-")[0]
    request = AWSRequest("GET", f"{parts.scheme}://{parts.netloc}{parts.path}?{unsigned}")
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda remove_tzinfo=True: NOW.replace(tzinfo=None))
    S3SigV4QueryAuth(credentials, "s3", "us-east-1", expires=3600).add_auth(request)
    assert parse_qs(urlsplit(request.url).query)["X-Amz-Signature"] == parse_qs(parts.query)["X-Amz-Signature"]


def test_no_two_objects_share_a_key_and_all_lie_under_their_composition() -> None:
    keys = {new_object_key("id", "input", "mid") for _ in range(100)}
    assert len(keys) == 100
    assert all(key.startswith(prefix_of("id")) for key in keys)
