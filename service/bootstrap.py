"""The composition root: settings are read once, and every concrete thing is built here.

Nothing in here knows whether AWS is real or local: the session's clients do.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from os import environ as process_environment
from typing import TYPE_CHECKING, Any

from botocore.config import Config

from service.inference import Inference
from service.library import Backend, Library, Limits
from service.storage.audio import AudioMetadata
from service.storage.cleanup import Deleting, Writing
from service.storage.metadata import Metadata
from service.storage.objects import Objects
from service.storage.registers import Registers
from service.storage.table import Table
from service.storage.unfinished import Unfinished

if TYPE_CHECKING:
    from boto3 import Session

ACCOUNT = re.compile(r"[0-9]{12}")
REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]")
ENDPOINT = re.compile(r"https?://[^/\s?#@]+/?")

CONNECT_SECONDS = 3
READ_SECONDS = 20
MAX_ATTEMPTS = 4
USER_AGENT = "chorale"  # botocore's own names every feature in use, made up anew for each request: a fifth of its time


class SettingsError(ValueError):
    """A setting is missing or wrong; the message names the key and the value."""


@dataclass(frozen=True)
class Settings:
    """Where the service's things are, and its limits.

    `public_endpoint` is where those who download reach S3 (`http://127.0.0.1:4242`); None means AWS's own hosts.
    `sound_font` is the path of a SoundFont to render with; None means the best one found.
    """

    region: str
    account: str
    table: str
    music_bucket: str
    compose_function: str
    render_function: str
    public_endpoint: str | None = None
    sound_font: str | None = None
    limits: Limits = field(default_factory=Limits)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "Settings":
        """Raises SettingsError with a sentence that names the key and the bad value."""
        standard = Limits()
        return cls(
            region=_matching(environ, "AWS_REGION", REGION, "a region such as us-east-1"),
            account=_matching(environ, "CHORALE_ACCOUNT", ACCOUNT, "an account id of 12 digits"),
            table=_required(environ, "CHORALE_TABLE"),
            music_bucket=_required(environ, "CHORALE_MUSIC_BUCKET"),
            compose_function=_required(environ, "CHORALE_COMPOSE_FUNCTION"),
            render_function=_required(environ, "CHORALE_RENDER_FUNCTION"),
            public_endpoint=_endpoint(environ, "CHORALE_PUBLIC_ENDPOINT"),
            sound_font=environ.get("CHORALE_SOUNDFONT") or None,
            limits=Limits(
                compositions=_whole(environ, "CHORALE_MAX_COMPOSITIONS", standard.compositions),
                revisions=_whole(environ, "CHORALE_MAX_REVISIONS", standard.revisions),
                audios=_whole(environ, "CHORALE_MAX_AUDIOS", standard.audios),
                wait=_seconds(environ, "CHORALE_WAIT_SECONDS", standard.wait),
            ),
        )

    def to_environment(self) -> dict[str, str]:
        """The environment that `from_environment` reads these settings from."""
        environ = {
            "AWS_REGION": self.region,
            "CHORALE_ACCOUNT": self.account,
            "CHORALE_TABLE": self.table,
            "CHORALE_MUSIC_BUCKET": self.music_bucket,
            "CHORALE_COMPOSE_FUNCTION": self.compose_function,
            "CHORALE_RENDER_FUNCTION": self.render_function,
            "CHORALE_MAX_COMPOSITIONS": str(self.limits.compositions),
            "CHORALE_MAX_REVISIONS": str(self.limits.revisions),
            "CHORALE_MAX_AUDIOS": str(self.limits.audios),
            "CHORALE_WAIT_SECONDS": repr(self.limits.wait.total_seconds()),
        }
        if self.public_endpoint is not None:
            environ["CHORALE_PUBLIC_ENDPOINT"] = self.public_endpoint
        if self.sound_font is not None:
            environ["CHORALE_SOUNDFONT"] = self.sound_font
        return environ


@dataclass(frozen=True)
class Services:
    settings: Settings
    library: Library


def build(settings: Settings, session: "Session") -> Services:
    """Everything the API and the functions act through. The session brings credentials, and the way to AWS."""
    return Services(settings, Library(build_backend(settings, session)))


def build_backend(settings: Settings, session: "Session") -> Backend:
    """What the library's operations work with."""
    table = Table(_client(session, "dynamodb", settings), settings.table)
    objects = Objects(
        _client(session, "s3", settings),
        settings.music_bucket,
        settings.region,
        _credentials(session),
        settings.public_endpoint,
    )
    unfinished = Unfinished(table)
    metadata = Metadata(table)
    return Backend(
        region=settings.region,
        metadata=metadata,
        audios=AudioMetadata(table),
        registers=Registers(table),
        unfinished=unfinished,
        objects=objects,
        writing=Writing(unfinished, objects),
        deleting=Deleting(metadata, objects),
        inference=Inference(_client(session, "lambda", settings), settings.compose_function, settings.render_function),
        limits=settings.limits,
    )


@cache
def services_of_process() -> Services:
    """The services that the process's environment describes, built once: for the functions and for Lambda."""
    import boto3

    settings = Settings.from_environment(process_environment)
    return build(settings, boto3.Session(region_name=settings.region))


def _client(session: "Session", service: Any, settings: Settings) -> Any:
    # That the functions' queue is full is to be passed on at once, not waited out.
    attempts = 1 if service == "lambda" else MAX_ATTEMPTS
    return session.client(
        service,
        region_name=settings.region,
        config=Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retries={"mode": "standard", "total_max_attempts": attempts},
            user_agent=USER_AGENT,
            # DynamoDB looks at every parameter itself; S3 must never see an empty key, which would mean the bucket.
            parameter_validation=service != "dynamodb",
            signature_version="s3v4" if service == "s3" else "v4",
            s3={"addressing_style": "path" if settings.public_endpoint else "auto"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )


def _credentials(session: "Session") -> Any:
    credentials = session.get_credentials()
    if credentials is None:
        raise SettingsError("No AWS credentials were found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.")
    return credentials


def _required(environ: Mapping[str, str], key: str) -> str:
    value = environ.get(key, "").strip()
    if not value:
        raise SettingsError(f"{key} is not set.")
    return value


def _matching(environ: Mapping[str, str], key: str, pattern: re.Pattern[str], meaning: str) -> str:
    value = _required(environ, key)
    if not pattern.fullmatch(value):
        raise SettingsError(f"{key} is {value!r}, but must be {meaning}.")
    return value


def _endpoint(environ: Mapping[str, str], key: str) -> str | None:
    value = environ.get(key)
    if not value:
        return None
    if not ENDPOINT.fullmatch(value):
        raise SettingsError(f"{key} is {value!r}, but must be a URL such as http://127.0.0.1:4242.")
    return value.rstrip("/")


def _whole(environ: Mapping[str, str], key: str, standard: int) -> int:
    value = environ.get(key)
    if not value:
        return standard
    if not value.isascii() or not value.isdigit() or int(value) < 1:
        raise SettingsError(f"{key} is {value!r}, but must be a whole number from 1.")
    return int(value)


def _seconds(environ: Mapping[str, str], key: str, standard: timedelta) -> timedelta:
    value = environ.get(key)
    if not value:
        return standard
    try:
        seconds = float(value)
        if not 0 <= seconds <= 900:
            raise ValueError
    except ValueError:
        raise SettingsError(f"{key} is {value!r}, but must be a number of seconds from 0 to 900.") from None
    return timedelta(seconds=seconds)
