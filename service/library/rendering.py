"""CreateAudio: a rendering of one revision to sound."""

from datetime import timedelta

from service.caller import Caller
from service.errors import ConflictException, FieldError, ResourceNotFoundException, ValidationException
from service.library.backend import Backend, no_composition
from service.library.idempotency import digest_of, earlier_claim, new_claim, no_longer_exists
from service.library.reading import audio_view, await_final, revision_of
from service.library.views import AudioView
from service.music.audio import AudioFormat
from service.resources import Audio, Status, new_id
from service.storage.items import Token
from service.storage.metadata import CompositionGone, TokenTaken

OPERATION = "CreateAudio"
FORMATS = tuple(AudioFormat)


def create(
    backend: Backend,
    caller: Caller,
    composition_id: str,
    *,
    format: str,
    revision: int | None,
    client_request_token: str | None,
    link_life: timedelta,
) -> AudioView:
    """Stores the rendering, asks for it to be made, and waits a little for the result."""
    token, digest = client_request_token, digest_of([composition_id, format, revision])
    if earlier := earlier_claim(backend, caller.account, OPERATION, token, digest):
        return _answer_again(backend, earlier, composition_id, link_life)
    audio = _planned(backend, caller, composition_id, format, revision)
    claim = new_claim(backend, caller.account, OPERATION, token, digest, audio.id)
    try:
        backend.audios.create(audio, claim, limit=backend.limits.audios, now=audio.created)
    except TokenTaken:
        return create(
            backend,
            caller,
            composition_id,
            format=format,
            revision=revision,
            client_request_token=token,
            link_life=link_life,
        )
    except CompositionGone:
        raise no_composition(composition_id) from None
    try:
        backend.inference.render(audio, caller.arn)
    except Exception:
        backend.audios.withdraw(audio, claim)
        raise
    return _await(backend, audio.account, composition_id, audio.id, link_life)


def _planned(backend: Backend, caller: Caller, composition_id: str, format: str, revision: int | None) -> Audio:
    if format not in FORMATS:
        raise ValidationException.of(FieldError("format", f"must be one of {', '.join(FORMATS)}"))
    stored = backend.find(caller.account, composition_id)
    chosen = revision_of(backend, stored, revision)
    if chosen is None:
        raise ConflictException(
            f"The composition is {stored.composition.status}; only a COMPLETED one can be rendered.",
            resource_id=composition_id,
            resource_type="composition",
        )
    return Audio(
        account=caller.account,
        region=backend.region,
        id=new_id(),
        composition_id=composition_id,
        revision=chosen.number,
        format=format,
        status=Status.IN_PROGRESS,
        created=backend.now(),
        key="",  # named by whoever renders it
    )


def _await(backend: Backend, account: str, composition_id: str, audio_id: str, link_life: timedelta) -> AudioView:
    def read() -> Audio:
        audio = backend.audios.audio(account, composition_id, audio_id)
        if audio is None:
            raise no_composition(composition_id)
        return audio

    audio = await_final(backend, read, status=lambda found: found.status)
    name = backend.find(account, composition_id).composition.name
    return audio_view(backend, audio, name, link_life)


def _answer_again(backend: Backend, earlier: Token, composition_id: str, link_life: timedelta) -> AudioView:
    try:
        return _await(backend, earlier.account, composition_id, earlier.resource_id, link_life)
    except ResourceNotFoundException:
        raise no_longer_exists(earlier) from None
