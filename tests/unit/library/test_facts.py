from service.library.facts import facts, reported
from service.music.score import Note, Score, Tempo, Track


def test_facts_name_tracks_by_their_instruments() -> None:
    score = Score(
        (
            Track((Note(0, 60, 480),), program=40, name="Tune"),
            Track((Note(0, 36, 480),), is_drum=True, program=7, name="Beat"),
        ),
        tempos=(Tempo(0, 60.0),),
    )
    told = facts(score, None)
    assert told["tempo"] == 60
    assert told["durationSeconds"] == 1
    assert told["bars"] == 1
    assert [(track["name"], track["instrument"], track["drum"]) for track in told["tracks"]] == [
        ("Tune", "Violin", False),
        ("Beat", "Drum Kit", True),
    ]
    assert set(told["metrics"]) == {
        "pitchesUsed",
        "pitchClassesUsed",
        "emptyBarRate",
        "polyphonicRate",
        "inScaleRatio",
        "drumInPatternRate",
    }
    assert "report" not in told


def test_metrics_without_a_value_are_left_out() -> None:
    assert "drumInPatternRate" not in facts(Score((Track((Note(0, 60, 480),)),)), None)["metrics"]


def test_only_the_known_members_of_a_report_are_told() -> None:
    report = {"notesInput": 8, "notesAdded": 3, "seed": 1, "algorithm": "AR-CNN"}
    assert reported(report) == {"inputNotes": 8, "notesAdded": 3}
