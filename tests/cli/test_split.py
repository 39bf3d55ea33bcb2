"""`rcnn-studio split`, and the splits that `new` draws: balanced, kept together, kept for good."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from rcnn_studio.store.project import ProjectStore
from tests.tasks import checkable
from tests.tasks.drawing import contents

FOLDERS, PICTURES = 6, 5


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Thirty images in six folders; the nut occurs in every fifth image only, and each folder holds one picture twice,
    stored with another quality."""
    for number in range(FOLDERS * PICTURES):
        folder = tmp_path / "data" / f"shelf{number // PICTURES}"
        folder.mkdir(parents=True, exist_ok=True)
        place = number % PICTURES
        picture = checkable.picture(number - (place == 1))
        picture.save(folder / f"i{number:02}.jpg", quality=95 if place else 80)
        name = "nut" if place == 4 else "bolt"
        (folder / f"i{number:02}.xml").write_text(checkable.xml_text(f"i{number:02}", [(name, 5, 5, 60, 70)]))
    return tmp_path / "data"


def splits_of(project: Path) -> dict[str, str]:
    with ProjectStore.open(project, read_only=True) as store:
        snapshot = store.snapshot()
        return {path: snapshot.split_of(index) for index, path in enumerate(snapshot.paths)}


def counts(said) -> dict[str, int]:
    return {name: count for name, count in said.document["images"].items() if count}


def test_a_new_project_can_have_all_three_splits(studio, tmp_path, dataset):
    assert studio("new", tmp_path / "p", "--voc", dataset, "--split", 0.2, "--test", 0.3).code == 0
    assert Counter(splits_of(tmp_path / "p").values()) == {"train": 15, "val": 6, "test": 9}


def test_stratified_splits_hold_their_share_of_the_rare_class(studio, tmp_path, dataset):
    assert studio("new", tmp_path / "p", "--voc", dataset, "--split-by", "stratified", "--split", 1 / 3).code == 0
    found = splits_of(tmp_path / "p")
    nuts = Counter(split for path, split in found.items() if int(Path(path).stem[1:]) % PICTURES == 4)
    assert nuts == {"train": 4, "val": 2}


def test_images_of_one_folder_stay_together(studio, tmp_path, dataset):
    assert studio("new", tmp_path / "p", "--voc", dataset, "--split-by", "folder", "--split", 1 / 3).code == 0
    found = splits_of(tmp_path / "p")
    of_folder = {str(Path(path).parent): set() for path in found}
    for path, split in found.items():
        of_folder[str(Path(path).parent)].add(split)
    assert sorted(len(splits) for splits in of_folder.values()) == [1] * FOLDERS
    assert Counter(found.values()) == {"train": 20, "val": 10}


def test_images_that_look_alike_stay_together(studio, tmp_path, dataset):
    project = tmp_path / "p"
    assert studio("new", project, "--voc", dataset, "--seed", 3).code == 0
    torn = studio("split", project, "--split-by", "near-duplicates", "--json")
    assert (torn.document["changed"], torn.document["torn"] > 0) == (0, True)
    said = studio("split", project, "--split-by", "near-duplicates", "--anew", "--split", 0.3, "--json")
    assert said.code == 0, said.err
    assert said.document["torn"] == 0
    found = splits_of(project)
    by_number = {int(Path(path).stem[1:]): split for path, split in found.items()}
    assert all(by_number[first] == by_number[first + 1] for first in range(0, FOLDERS * PICTURES, PICTURES))


def test_images_keep_their_split_unless_it_is_drawn_anew(studio, tmp_path, dataset):
    project = tmp_path / "p"
    assert studio("new", project, "--voc", dataset).code == 0
    before = splits_of(project)
    kept = studio("split", project, "--split-by", "stratified", "--split", 0.5, "--json")
    assert kept.document["changed"] == 0
    assert splits_of(project) == before
    drawn = studio("split", project, "--split-by", "stratified", "--split", 0.5, "--anew", "--json")
    assert counts(drawn) == {"train": 15, "val": 15}
    after = splits_of(project)
    assert drawn.document["changed"] == sum(before[path] != after[path] for path in before) > 0
    with ProjectStore.open(project) as store:
        assert [entry.text for entry in store.history(1)] == ["Draw splits"]


def test_drawing_splits_changes_no_label_file(studio, tmp_path, dataset):
    assert studio("new", tmp_path / "p", "--voc", dataset).code == 0
    before = contents(dataset)
    assert studio("split", tmp_path / "p", "--anew", "--seed", 9, "--test", 0.2).code == 0
    assert contents(dataset) == before


def test_a_project_that_is_open_elsewhere_is_left_alone(studio, tmp_path, dataset):
    assert studio("new", tmp_path / "p", "--voc", dataset).code == 0
    with ProjectStore.open(tmp_path / "p"):
        said = studio("split", tmp_path / "p", "--anew")
    assert said.code == 1
    assert "has it open" in said.err
    assert "Close it there first" in said.err


@pytest.mark.parametrize("share", ["a lot", "nan", "1"])
def test_a_share_that_is_none_is_named_with_what_would_do(studio, tmp_path, share):
    said = studio("split", tmp_path, "--test", share)
    assert said.code == 2
    assert f"argument --test: {share} is no share: use a number from 0 to below 1" in said.err


@pytest.mark.parametrize("shares", [("--split", "0.6", "--test", "0.4"), ("--split", "1.2"), ("--test", "-0.1")])
def test_shares_that_leave_nothing_to_train_on_are_wrong_usage(studio, tmp_path, dataset, shares):
    assert studio("new", tmp_path / "p", "--voc", dataset, *shares).code == 2
    assert not (tmp_path / "p").exists()


def test_the_answer_for_people_is_a_table_of_classes_and_splits(studio, tmp_path, dataset):
    assert studio("new", tmp_path / "p", "--voc", dataset).code == 0
    said = studio("split", tmp_path / "p", "--split-by", "stratified", "--anew", "--split", 1 / 3)
    lines = [line.split() for line in said.out.splitlines()]
    assert lines[:4] == [["train", "val"], ["images", "20", "10"], ["bolt", "16", "8"], ["nut", "4", "2"]]
