"""What a client needs in its environment to reach a running local AWS, and where that is written down.

The server writes `server.json` into its data directory when it is ready and removes it when it stops; `chorale env`
and the other commands read it together with the account.
"""

import json
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path

from infra.local.account import Account
from infra.local.platform_calls import process_runs, write_private_file

RUNNING_FILE = "server.json"
CONFIG_FILE = "aws-config"


class NotRunningError(Exception):
    """No server runs on the data directory."""


@dataclass(frozen=True, slots=True)
class Running:
    """A running server: its process id, the endpoint clients use, and the CA bundle they need to trust it."""

    pid: int
    endpoint: str
    ca_bundle: str | None = None

    def write(self, data: Path) -> None:
        write_private_file(data / RUNNING_FILE, f"{json.dumps(asdict(self))}\n".encode())

    @staticmethod
    def remove(data: Path) -> None:
        (data / RUNNING_FILE).unlink(missing_ok=True)

    @classmethod
    def read(cls, data: Path) -> "Running":
        """Raises NotRunningError when no server has written the file, or the one that did was killed."""
        try:
            running = cls(**json.loads((data / RUNNING_FILE).read_text()))
        except FileNotFoundError:
            running = None
        if running is None or not process_runs(running.pid):
            raise NotRunningError(f"no server runs on {data}; start one with `chorale serve`")
        return running


def sdk_directory() -> Path:
    """The folder with our service model, in the layout of AWS_DATA_PATH."""
    return Path(str(files("service"))) / "sdk"


def client_environment(data: Path) -> dict[str, str]:
    """The variables with which the AWS CLI, boto3 and other SDKs reach the server on this data directory.

    Writes the small AWS_CONFIG_FILE they name: it makes S3 presign with SigV4 (botocore would fall back to the old
    query form at a custom endpoint) and address buckets by path. Raises NotRunningError.
    """
    running = Running.read(data)
    account = Account.load(data)
    config = data / CONFIG_FILE
    settings = (
        f"[default]\nregion = {account.region}\ns3 =\n    signature_version = s3v4\n    addressing_style = path\n"
    )
    write_private_file(config, settings.encode())  # SDKs run what such a file tells them to
    variables = {
        "AWS_ENDPOINT_URL": running.endpoint,
        "AWS_ACCESS_KEY_ID": account.access_key_id,
        "AWS_SECRET_ACCESS_KEY": account.secret_access_key,
        "AWS_DEFAULT_REGION": account.region,
        "AWS_REGION": account.region,
        "AWS_DATA_PATH": str(sdk_directory()),
        "AWS_CONFIG_FILE": str(config),
    }
    return variables | ({"AWS_CA_BUNDLE": running.ca_bundle} if running.ca_bundle else {})
