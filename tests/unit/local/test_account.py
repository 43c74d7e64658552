import json
import stat

import pytest

from infra.local.account import ACCOUNT_FILE, Account, AccountError, SavedAccount
from infra.local.platform_calls import write_private_file
from service.caller import PrincipalType


def test_the_first_start_makes_an_account_and_the_next_finds_it(tmp_path):
    data = tmp_path / "new" / "data"
    created = Account.load_or_create(data)
    assert Account.load_or_create(data) == created
    assert Account.load(data) == created
    assert created.access_key_id.startswith("AKIA")
    assert len(created.access_key_id) == 20
    assert len(created.secret_access_key) == 40
    assert len(created.sealing_key) == 32
    assert (created.id, created.region) == ("123456789012", "us-east-1")


def test_two_accounts_share_no_secret(tmp_path):
    one, two = Account.create(tmp_path / "one"), Account.create(tmp_path / "two")
    assert one.access_key_id != two.access_key_id
    assert one.secret_access_key != two.secret_access_key
    assert one.sealing_key != two.sealing_key


def test_only_the_owner_can_read_the_account(tmp_path):
    data = tmp_path / "data"
    data.mkdir(mode=0o755)
    Account.create(data)
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    assert stat.S_IMODE((data / ACCOUNT_FILE).stat().st_mode) == 0o600
    assert [path.name for path in data.iterdir()] == [ACCOUNT_FILE]


def test_an_account_is_never_replaced(tmp_path):
    Account.create(tmp_path)
    before = (tmp_path / ACCOUNT_FILE).read_bytes()
    with pytest.raises(AccountError, match="already exists"):
        Account.create(tmp_path)
    assert (tmp_path / ACCOUNT_FILE).read_bytes() == before


@pytest.mark.parametrize("name", ["accountId", "region", "accessKeyId", "secretAccessKey", "sealingKey"])
@pytest.mark.parametrize("value", [None, "", 7, "nonsense\n"])
def test_a_damaged_account_is_an_error_that_names_the_member_and_not_a_new_key(tmp_path, name, value):
    Account.create(tmp_path)
    path = tmp_path / ACCOUNT_FILE
    path.write_text(json.dumps(json.loads(path.read_text()) | {name: value}))
    with pytest.raises(AccountError, match=name):
        Account.load_or_create(tmp_path)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe"])
def test_a_file_that_is_no_account_is_an_error(tmp_path, content):
    (tmp_path / ACCOUNT_FILE).write_bytes(content)
    with pytest.raises(AccountError, match="damaged"):
        Account.load_or_create(tmp_path)


def test_a_folder_without_an_account_says_how_to_make_one(tmp_path):
    with pytest.raises(AccountError, match="chorale serve"):
        Account.load(tmp_path)


def test_an_impossible_account_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(AccountError, match="accountId"):
        Account.create(tmp_path / "data", account_id="12")
    with pytest.raises(AccountError, match="region"):
        Account.create(tmp_path / "data", region="the moon")
    assert not (tmp_path / "data").exists()


def test_secrets_are_in_no_repr(tmp_path):
    account = Account.create(tmp_path)
    assert account.secret_access_key not in repr(account)
    assert repr(account.sealing_key) not in repr(account)


def test_root_is_the_accounts_own_user(tmp_path):
    account = Account.create(tmp_path, account_id="210987654321")
    assert account.root.arn == "arn:aws:iam::210987654321:root"
    assert account.root.type is PrincipalType.ROOT
    assert account.root.access_key_id == account.access_key_id


def test_a_saved_account_is_the_one_in_the_file_now(tmp_path):
    account = Account.create(tmp_path)
    current = SavedAccount(tmp_path, account)
    assert current() == account
    changed = account.with_new_root_key()
    assert (changed.id, changed.sealing_key) == (account.id, account.sealing_key)
    assert changed.access_key_id != account.access_key_id
    assert changed.secret_access_key != account.secret_access_key
    changed.save(tmp_path)
    assert current() == changed == Account.load(tmp_path)
    assert current() is current()


def test_a_saved_account_stays_as_it_was_while_its_file_cannot_be_used(tmp_path, caplog):
    account = Account.create(tmp_path)
    current = SavedAccount(tmp_path, account)
    write_private_file(tmp_path / ACCOUNT_FILE, b"no account")
    assert [current(), current()] == [account, account]
    assert caplog.text.count("the root access key stays as it was") == 1
    Account.create(tmp_path / "other", account_id="210987654321").save(tmp_path)
    assert current() == account
    assert "is of another account" in caplog.text
    (tmp_path / ACCOUNT_FILE).unlink()
    assert current() == account
    account.with_new_sealing_key().save(tmp_path)
    assert current().sealing_key != account.sealing_key
    assert account.secret_access_key not in caplog.text
