from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.account import Account
from infra.local.sessions import API_ROLE, SERVICE_SESSION, Sessions, service_credentials
from service.caller import PrincipalType

NOW = datetime(2026, 3, 14, 15, 9, 26, 535897, tzinfo=UTC)


@pytest.fixture(scope="module")
def account(tmp_path_factory):
    return Account.create(tmp_path_factory.mktemp("account"))


@pytest.fixture(scope="module")
def sessions(account):
    return Sessions(account, lambda: NOW)


def issue(sessions, **tags):
    return sessions.issue("arn:aws:iam::1:user/u", "AIDAU", PrincipalType.USER, timedelta(hours=1), tags)


def test_a_token_opens_to_the_credentials_that_were_issued(sessions):
    issued = issue(sessions, Course="Music", empty="")
    assert sessions.open(issued.session_token) == issued
    assert issued.access_key_id.startswith("ASIA")
    assert len(issued.secret_access_key) == 40
    assert issued.expires == datetime(2026, 3, 14, 16, 9, 26, tzinfo=UTC)
    assert issued.caller.session_tags == {"Course": "Music", "empty": ""}
    assert issued.caller.session_issued == NOW.replace(microsecond=0)


@given(st.integers(min_value=0), st.integers(1, 255))
def test_a_token_with_any_byte_changed_is_not_ours(sessions, position, change):
    raw = bytearray(urlsafe_b64decode(issue(sessions).session_token))
    raw[position % len(raw)] ^= change
    assert sessions.open(urlsafe_b64encode(raw).decode()) is None


@given(st.one_of(st.text(max_size=60), st.binary(max_size=60).map(lambda raw: urlsafe_b64encode(raw).decode())))
def test_what_we_did_not_issue_does_not_open(sessions, token):
    assert sessions.open(token) is None


def test_an_endless_token_is_not_even_looked_at(sessions):
    assert sessions.open(issue(sessions).session_token + "A" * 5000) is None


def test_a_token_of_another_account_does_not_open(sessions, account, tmp_path):
    token = issue(sessions).session_token
    assert Sessions(Account.create(tmp_path), lambda: NOW).open(token) is None
    same_key = Account("999999999999", "us-east-1", "AKIA", "secret", account.sealing_key)
    assert Sessions(same_key, lambda: NOW).open(token) is None


def test_the_secret_cannot_be_read_out_of_the_token_or_a_repr(sessions):
    issued = issue(sessions)
    assert issued.secret_access_key.encode() not in urlsafe_b64decode(issued.session_token)
    assert issued.secret_access_key not in repr(issued)
    assert issued.session_token not in repr(issued)


def test_the_services_own_credentials_are_of_its_role_and_last_a_day(account):
    sessions = Sessions(account)
    frozen = service_credentials(sessions).get_frozen_credentials()
    opened = sessions.open(frozen.token)
    assert opened.caller.arn == f"arn:aws:sts::{account.id}:assumed-role/{API_ROLE}/server"
    assert opened.caller.type is PrincipalType.ASSUMED_ROLE
    assert opened.expires - opened.caller.session_issued == SERVICE_SESSION
    assert (frozen.access_key, frozen.secret_key) == (opened.access_key_id, opened.secret_access_key)


def test_the_services_credentials_always_have_twelve_hours_to_go(account):
    now = datetime.now(UTC)
    clock = {"now": now}
    sessions = Sessions(account, lambda: clock["now"])
    credentials = service_credentials(sessions)
    credentials._time_fetcher = lambda: clock["now"]
    first = credentials.get_frozen_credentials()
    clock["now"] = now + SERVICE_SESSION - timedelta(hours=12, minutes=1)
    assert credentials.get_frozen_credentials() == first
    clock["now"] = now + SERVICE_SESSION - timedelta(hours=11, minutes=59)
    renewed = credentials.get_frozen_credentials()
    assert renewed != first
    assert sessions.open(renewed.token).expires - clock["now"] >= timedelta(hours=12)
