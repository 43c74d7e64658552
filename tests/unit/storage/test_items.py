from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from service.resources import Audio, Composition, InputSource, ModelType, Revision, Status, new_id
from service.storage import items

ids = st.builds(new_id)
accounts = st.from_regex(r"[0-9]{12}", fullmatch=True)
names = st.text(min_size=1, max_size=20)
moments = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
facts = st.dictionaries(names, json_values, max_size=4)
revisions = st.builds(
    Revision,
    number=st.integers(1, 99_999),
    created=moments,
    midi_key=names,
    facts=facts,
    edits=st.lists(facts, max_size=2).map(tuple),
)
compositions = st.builds(
    Composition,
    account=accounts,
    region=st.just("us-east-1"),
    id=ids,
    name=names,
    status=st.sampled_from(Status),
    created=moments,
    updated=moments,
    model_id=names,
    model_type=st.sampled_from(ModelType),
    input_source=st.sampled_from(InputSource),
    input_key=names,
    parameters=facts,
    owner=names,
    status_reason=st.none() | names,
    sample_melody_id=st.none() | names,
    parent_id=st.none() | ids,
    locked=st.lists(st.tuples(st.integers(0), st.integers(0, 127)), max_size=3).map(tuple),
    tags=st.dictionaries(names, st.text(), max_size=3),
    revision=st.integers(0, 99_999),
    version=st.integers(1),
)
audios = st.builds(
    Audio,
    account=accounts,
    region=st.just("us-east-1"),
    id=ids,
    composition_id=ids,
    revision=st.integers(1, 99_999),
    format=st.sampled_from(["MP3", "WAV"]),
    status=st.sampled_from(Status),
    created=moments,
    key=st.text(),
    status_reason=st.none() | names,
    sound_font=st.none() | names,
    seconds=st.none() | st.floats(0, 1e6),
    size=st.none() | st.integers(0),
)


@given(
    st.builds(
        items.StoredComposition,
        composition=compositions,
        newest=st.none() | revisions.map(lambda revision: Revision(**{**revision.__dict__, "edits": ()})),
        audio_count=st.integers(0),
        input_stored=st.booleans(),
        deleting=st.booleans(),
        attempts=st.integers(0),
        token=st.none() | names,
    )
)
def test_a_composition_comes_back_as_it_was_stored(stored: items.StoredComposition) -> None:
    assert items.read_composition(items.composition_item(stored)) == stored


@given(accounts, ids, revisions)
def test_a_revision_comes_back_as_it_was_stored(account: str, composition_id: str, revision: Revision) -> None:
    assert items.read_revision(items.revision_item(account, composition_id, revision)) == revision


@given(audios)
def test_audio_comes_back_as_it_was_stored(audio: Audio) -> None:
    assert items.read_audio(items.audio_item(audio)) == audio


@given(st.builds(items.Token, accounts, st.just("CreateAudio"), names, names, ids, moments))
def test_a_token_comes_back_to_the_second(token: items.Token) -> None:
    read = items.read_token(items.token_item(token))
    assert timedelta(0) <= token.expires - read.expires < timedelta(seconds=1)
    assert (read.name, read.digest, read.resource_id) == (token.name, token.digest, token.resource_id)


@given(moments, moments)
def test_stored_moments_sort_as_time_does(first: datetime, second: datetime) -> None:
    assert (items.moment(first)["S"] < items.moment(second)["S"]) == (first < second)


def test_the_copy_of_the_newest_revision_leaves_out_its_edits() -> None:
    revision = Revision(2, datetime.now(UTC), "key", {"bars": 8}, ({"op": "TRANSPOSE"},))
    read = items.read_revision_document(items.newest_document(revision))
    assert read.edits == ()
    assert read.facts == {"bars": 8}
