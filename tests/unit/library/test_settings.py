from dataclasses import replace
from datetime import timedelta

import pytest

from service.bootstrap import Settings, SettingsError
from service.library import Limits

ENVIRONMENT = {
    "AWS_REGION": "eu-central-1",
    "CHORALE_ACCOUNT": "123456789012",
    "CHORALE_TABLE": "chorale",
    "CHORALE_MUSIC_BUCKET": "music",
    "CHORALE_COMPOSE_FUNCTION": "compose",
    "CHORALE_RENDER_FUNCTION": "render",
}


def test_settings_are_read_from_the_environment_and_limits_have_defaults() -> None:
    settings = Settings.from_environment(ENVIRONMENT)
    assert (settings.region, settings.table, settings.public_endpoint) == ("eu-central-1", "chorale", None)
    assert settings.limits == Limits()


def test_settings_survive_the_way_through_the_environment() -> None:
    settings = replace(
        Settings.from_environment(ENVIRONMENT),
        public_endpoint="http://127.0.0.1:4242",
        sound_font="/music/font.sf2",
        limits=Limits(compositions=1, revisions=2, audios=3, wait=timedelta(seconds=1.5)),
    )
    assert Settings.from_environment(settings.to_environment()) == settings


@pytest.mark.parametrize("key", ENVIRONMENT)
@pytest.mark.parametrize("value", [None, "", "  "])
def test_a_missing_setting_is_named(key: str, value: str | None) -> None:
    environment = dict(ENVIRONMENT)
    del environment[key]
    if value is not None:
        environment[key] = value
    with pytest.raises(SettingsError, match=f"{key} is not set"):
        Settings.from_environment(environment)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("AWS_REGION", "Frankfurt"),
        ("CHORALE_ACCOUNT", "12345"),
        ("CHORALE_PUBLIC_ENDPOINT", "localhost:4242"),
        ("CHORALE_PUBLIC_ENDPOINT", "http://host/path"),
        ("CHORALE_WAIT_SECONDS", "soon"),
        ("CHORALE_WAIT_SECONDS", "-1"),
        ("CHORALE_WAIT_SECONDS", "nan"),
        ("CHORALE_MAX_REVISIONS", "0"),
        ("CHORALE_MAX_AUDIOS", "many"),
    ],
)
def test_a_wrong_setting_is_named_with_its_value(key: str, value: str) -> None:
    with pytest.raises(SettingsError) as error:
        Settings.from_environment({**ENVIRONMENT, key: value})
    assert key in str(error.value)
    assert repr(value) in str(error.value)
