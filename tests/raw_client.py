"""Signed requests by the standard library's HTTP client: path, headers and body go out as they are given."""

import http.client
from collections.abc import Mapping
from urllib.parse import urlsplit

from answer import Answer
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials


class RawClient:
    """One connection to `endpoint`, as the holder of an access key. `host` is what the Host header says."""

    def __init__(
        self, endpoint: str, access_key: str, secret: str, *, host: str | None = None, region: str = "us-east-1"
    ) -> None:
        address = urlsplit(endpoint)
        self.host = host or address.netloc
        self.region = region
        self.credentials = Credentials(access_key, secret)
        self.connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)

    def send(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        query: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        target = f"{path}?{query}" if query else path
        request = AWSRequest(method, f"http://{self.host}{target}", headers=dict(headers or {}), data=body)
        SigV4Auth(self.credentials, "deepcomposer", self.region).add_auth(request)
        self.connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        for name, value in {"Host": self.host, "Content-Length": str(len(body)), **request.headers}.items():
            self.connection.putheader(name, value)
        self.connection.endheaders(body)
        response = self.connection.getresponse()
        found = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, found, response.read())

    def close(self) -> None:
        self.connection.close()
