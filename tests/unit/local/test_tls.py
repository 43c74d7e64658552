import ssl
import stat
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509

from infra.local.tls import TlsError, owners_files, self_signed

NOW = datetime(2026, 3, 14, tzinfo=UTC)


def names(files):
    certificate = x509.load_pem_x509_certificate(files.certificate.read_bytes())
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {str(name.value) for name in found}


def test_a_certificate_of_our_own_names_loopback_and_the_owners_hosts(tmp_path):
    files = self_signed(tmp_path / "tls", ["music.example", "192.168.1.7"], NOW)
    assert names(files) == {"localhost", "127.0.0.1", "::1", "music.example", "192.168.1.7"}
    assert stat.S_IMODE(files.key.stat().st_mode) == 0o600
    ssl.create_default_context(cafile=files.ca_bundle)
    assert owners_files(files.certificate, files.key).ca_bundle is None


def test_the_certificate_is_kept_until_a_month_before_its_end(tmp_path):
    first = self_signed(tmp_path, [], NOW).certificate.read_bytes()
    assert self_signed(tmp_path, [], NOW + timedelta(days=366)).certificate.read_bytes() == first
    assert self_signed(tmp_path, [], NOW + timedelta(days=368)).certificate.read_bytes() != first


def test_a_new_name_needs_a_new_certificate_and_a_name_less_does_not(tmp_path):
    both = self_signed(tmp_path, ["a.example", "b.example"], NOW).certificate.read_bytes()
    assert self_signed(tmp_path, ["a.example"], NOW).certificate.read_bytes() == both
    files = self_signed(tmp_path, ["c.example"], NOW)
    assert files.certificate.read_bytes() != both
    assert "c.example" in names(files)


@pytest.mark.parametrize("damaged", ["key.pem", "certificate.pem"])
def test_a_damaged_pair_is_made_anew(tmp_path, damaged):
    files = self_signed(tmp_path, [], NOW)
    (tmp_path / damaged).write_text("nonsense")
    self_signed(tmp_path, [], NOW)
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(files.certificate, files.key)


def test_a_pair_that_does_not_belong_together_is_refused(tmp_path):
    one, two = self_signed(tmp_path / "one", [], NOW), self_signed(tmp_path / "two", [], NOW)
    with pytest.raises(TlsError, match="no certificate with its key"):
        owners_files(one.certificate, two.key)
    with pytest.raises(TlsError, match="no file"):
        owners_files(tmp_path / "none.pem", two.key)
