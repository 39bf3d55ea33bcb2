"""What the rooms about files learn from a real project: changes, versions, conflicts, history, where a problem is."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from rcnn_studio.domain.checks import Problem
from rcnn_studio.domain.progress import ignore, never
from rcnn_studio.formats import Source, codec
from rcnn_studio.store.project import ProjectStore
from rcnn_studio.store.schema import DATABASE_NAME, connect
from rcnn_studio.workspace.files import Changes, FilesModel, Scope
from rcnn_studio.workspace.files_checks import Locator, check_of
from rcnn_studio.workspace.files_conflicts import ConflictsModel, Settled
from rcnn_studio.workspace.files_history import HistoryModel
from rcnn_studio.workspace.files_problems import Spot
from rcnn_studio.workspace.files_store import StoreConflicts, StoreFiles, StoreHistory
from rcnn_studio.workspace.job import JobBoard
from rcnn_studio.workspace.session import Session
from tests.store.projects import commit, contents, draw, id_of, make_coco, move, voc_project


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ProjectStore]:
    """Three VOC files of a bolt and a nut each; nothing is written unless asked for."""
    with voc_project(tmp_path) as made:
        made.pause_writing()
        yield made


@pytest.fixture
def files(store: ProjectStore) -> StoreFiles:
    return StoreFiles(store)


def xml(store: ProjectStore, number: int = 0) -> Path:
    return store.folder.parent / "voc" / "Annotations" / f"img_{number}.xml"


def shift(store: ProjectStore, number: int = 0, *, dx: float = 4.0) -> None:
    commit(store, move(store, id_of(store, f"img_{number}.png"), dx=dx))


def write(files: StoreFiles) -> None:
    files.write_now(ignore, never)


def counted(files: StoreFiles, scope: Scope) -> Changes:
    return files.counted(files.changes(scope), never)


# --- changes on disk --------------------------------------------------------------------------------------


def test_nothing_is_listed_before_the_first_edit(files: StoreFiles) -> None:
    assert files.changes("session").total == 0


def test_a_file_that_lags_behind_is_listed_with_its_boxes_and_both_versions(store, files) -> None:
    shift(store)
    changes = counted(files, "session")
    assert [(f.path, f.kind, f.boxes) for f in changes.files] == [(str(xml(store)), "waiting", 1)]
    before, after = files.both(str(xml(store)), "session")
    assert before == xml(store).read_bytes()
    assert b"<xmin>6</xmin>" in after
    assert b"<xmin>6</xmin>" not in before


def test_a_file_written_in_this_session_stays_listed_with_what_it_was(store, files) -> None:
    original = xml(store).read_bytes()
    shift(store)
    write(files)
    shift(store, dx=5.0)
    write(files)
    changes = counted(files, "session")
    assert [(f.path, f.kind, f.boxes) for f in changes.files] == [(str(xml(store)), "written", 1)]
    assert files.both(str(xml(store)), "session") == (original, xml(store).read_bytes())


def test_a_file_made_in_this_session_is_listed_and_nothing_was_there_before(store, files) -> None:
    unlabelled = next(record for record in map(store.image, range(1, 5)) if not record.boxes)
    for _ in range(2):  # written once there is no earlier version of it; written twice there is one, of our own
        commit(store, draw(store, unlabelled.id))
        write(files)
        (changed,) = files.changes("session").files
        path = Path(changed.path)
        assert changed.kind == "written"
        assert path.stem == Path(unlabelled.path).stem
        assert files.both(changed.path, "session") == (None, path.read_bytes())


def test_what_was_written_in_an_earlier_session_is_not_listed(store, files) -> None:
    shift(store)
    write(files)
    assert StoreFiles(store).changes("session").total == 0


def test_everything_ever_changed_is_listed_after_a_restart_with_its_boxes_and_its_first_version(store, files) -> None:
    originals = [xml(store, number).read_bytes() for number in range(2)]
    shift(store, 0)
    write(files)
    shift(store, 1)
    commit(store, draw(store, id_of(store, "img_1.png")))
    write(files)
    later = StoreFiles(store)
    changes = counted(later, "ever")
    assert [(f.path, f.kind, f.boxes) for f in changes.files] == [
        (str(xml(store, 1)), "written", 2),
        (str(xml(store, 0)), "written", 1),
    ], "the one written last first"
    assert changes.boxes == 3
    for number, original in enumerate(originals):
        assert later.both(str(xml(store, number)), "ever") == (original, xml(store, number).read_bytes())
    assert not counted(later, "session").total
    commit(store, later.edit_back(str(xml(store, 1)), "ever"))
    write(later)
    assert xml(store, 1).read_bytes() == originals[1]
    assert [(f.path, f.same, f.boxes) for f in counted(later, "ever").files] == [
        (str(xml(store, 1)), True, 0),
        (str(xml(store, 0)), False, 1),
    ]


def test_a_file_that_we_made_is_new_also_after_a_restart_and_has_no_first_version(store, files) -> None:
    unlabelled = next(record for record in map(store.image, range(1, 5)) if not record.boxes)
    for _ in range(2):
        commit(store, draw(store, unlabelled.id))
        write(files)
    later = StoreFiles(store)
    (made,) = counted(later, "ever").files
    assert (made.new, made.same, made.boxes) == (True, False, 2)
    assert later.both(made.path, "ever") == (None, Path(made.path).read_bytes())
    kinds = later.versions(made.path)
    assert [version.kind for version in kinds] == ["made", "absent"]
    assert later.version(kinds[1]) is None
    assert b"<object>" in later.version(kinds[0])


def test_a_session_that_goes_back_to_a_version_kept_long_ago_still_lists_what_it_changed(store, files) -> None:
    shift(store)
    write(files)
    moved = xml(store).read_bytes()
    shift(store, dx=5.0)
    write(files)
    shift(store, dx=-5.0)
    write(files)
    assert xml(store).read_bytes() == moved
    later = StoreFiles(store)
    commit(store, draw(store, id_of(store, "img_0.png")))
    write(later)  # `moved` is kept already, so nothing new is
    (changed,) = counted(later, "session").files
    assert changed.boxes == 1
    assert later.both(changed.path, "session") == (moved, xml(store).read_bytes())


def test_the_first_version_is_shown_from_the_import_where_its_backup_is_gone(store, files) -> None:
    original = xml(store).read_bytes()
    shift(store)
    write(files)
    with contextlib.closing(connect(store.folder / DATABASE_NAME, mode="rw")) as db:
        db.execute("UPDATE backups SET kind = 'version', hash = 'gone'")
    assert StoreFiles(store).both(str(xml(store)), "ever") == (original, xml(store).read_bytes())


def test_a_version_taken_over_from_another_program_is_not_called_ours(store, files) -> None:
    shift(store)
    write(files)
    xml(store).write_bytes(xml(store).read_bytes().replace(b"bolt", b"screw"))
    later = StoreFiles(store)
    shift(store, dx=5.0)
    write(later)
    StoreConflicts(store).settle(str(xml(store)), "theirs")
    write(later)
    assert not later.changes("session").total


def test_writing_now_says_how_many_files_were_written(store, files) -> None:
    for number in range(2):
        shift(store, number)
    assert files.write_now(ignore, never) == 2
    assert files.write_now(ignore, never) == 0


def test_both_versions_are_known_without_the_list(store, files) -> None:
    shift(store)
    before, after = files.both(str(xml(store)), "session")
    assert (before, before == after) == (xml(store).read_bytes(), False)


def test_writing_now_brings_every_file_up_to_date(store, files) -> None:
    for number in range(3):
        shift(store, number)
    assert files.changes("session").waiting == 3
    write(files)
    assert files.changes("session").waiting == 0
    assert b"<xmin>6</xmin>" in xml(store).read_bytes()


def test_taking_a_files_changes_back_restores_it_byte_for_byte(store, files) -> None:
    before = contents(store.folder.parent / "voc")
    shift(store)
    commit(store, draw(store, id_of(store, "img_0.png")))
    write(files)
    assert contents(store.folder.parent / "voc") != before
    commit(store, files.edit_back(str(xml(store)), "session"))
    write(files)
    assert contents(store.folder.parent / "voc") == before


def test_there_is_nothing_to_take_back_where_no_box_has_changed(store, files) -> None:
    assert files.edit_back(str(xml(store, 1)), "session") is None


def test_the_first_version_of_a_file_is_kept_and_can_be_brought_back(store, files) -> None:
    original = xml(store).read_bytes()
    shift(store)
    write(files)
    (first,) = files.versions(str(xml(store)))
    assert (first.kind, first.size, files.version(first)) == ("first", len(original), original)
    assert tuple(files.restore(first)) == (id_of(store, "img_0.png"),)
    write(files)
    assert xml(store).read_bytes() == original


# --- conflicts --------------------------------------------------------------------------------------------


@pytest.fixture
def disputed(store, files) -> StoreConflicts:
    """img_0.xml was written once by us, then changed by another program, while we had one more edit for it."""
    shift(store)
    write(files)
    theirs = xml(store).read_bytes().replace(b"bolt", b"screw")
    xml(store).write_bytes(theirs)
    shift(store, dx=5.0)
    write(files)
    return StoreConflicts(store)


def test_a_conflict_shows_their_version_and_ours(store, disputed) -> None:
    assert [d.path for d in disputed.disputes()] == [str(xml(store))]
    theirs, mine = disputed.theirs_and_mine(str(xml(store)))
    assert theirs == xml(store).read_bytes()
    assert b"screw" in theirs
    assert b"<xmin>11</xmin>" in mine
    assert b"bolt" in mine


def test_what_is_shown_as_mine_is_what_keeping_mine_writes(store, files, disputed) -> None:
    _theirs, mine = disputed.theirs_and_mine(str(xml(store)))
    disputed.settle(str(xml(store)), "mine")
    write(files)
    assert xml(store).read_bytes() == mine
    assert not disputed.disputes()


def test_mine_is_known_for_a_file_that_was_changed_before_it_was_ever_written(store, files) -> None:
    xml(store).write_bytes(xml(store).read_bytes().replace(b"bolt", b"screw"))
    shift(store)
    write(files)
    conflicts = StoreConflicts(store)
    theirs, mine = conflicts.theirs_and_mine(str(xml(store)))
    assert b"screw" in theirs
    assert b"bolt" in mine
    conflicts.settle(str(xml(store)), "mine")
    write(files)
    assert xml(store).read_bytes() == mine


def test_settling_goes_on_after_a_file_that_refuses(store, files, disputed, qtbot) -> None:
    board = JobBoard()
    model = ConflictsModel(disputed, board)
    model.refresh()
    qtbot.waitUntil(lambda: len(model.conflicts) == 1)
    model.choices = {"/nowhere/else.xml": "mine", str(xml(store)): "theirs"}
    with qtbot.waitSignal(model.settled) as heard:
        model.settle()
    result: Settled = heard.args[0]
    assert result.paths == (str(xml(store)),)
    assert result.images == (id_of(store, "img_0.png"),)
    assert [path for path, _why in result.refused] == ["/nowhere/else.xml"]
    qtbot.waitUntil(lambda: not model.conflicts)
    qtbot.waitUntil(lambda: not board.jobs)
    model.close()


# --- the model --------------------------------------------------------------------------------------------


def test_only_the_file_looked_at_last_is_answered(store, files, qtbot) -> None:
    for number in range(3):
        shift(store, number)
    model = FilesModel(files, JobBoard())
    model.refresh()
    qtbot.waitUntil(lambda: model.changes.total == 3)
    shown = []
    model.difference_changed.connect(lambda: shown.append((model.shown.path, model.difference)))
    for number in range(3):
        model.look_at(str(xml(store, number)))
    qtbot.waitUntil(lambda: model.difference is not None)
    assert [path for path, difference in shown if difference is not None] == [str(xml(store, 2))]
    assert model.difference.places == 1
    model.close()


# --- history ----------------------------------------------------------------------------------------------


def test_the_history_of_an_image_marks_what_was_taken_back(store) -> None:
    image_id = id_of(store, "img_0.png")
    edit = move(store, image_id)
    commit(store, edit)
    commit(store, edit.inverse())
    commit(store, draw(store, image_id))
    commit(store, move(store, id_of(store, "img_1.png")))
    entries = StoreHistory(store).image_history(image_id)
    assert [(e.text, e.undone, e.undoes) for e in entries] == [
        ("Draw box", False, False),
        ("Move box", False, True),
        ("Move box", True, False),
    ]


def test_the_history_of_the_project_knows_which_image_an_edit_is_about(store) -> None:
    first, second = id_of(store, "img_0.png"), id_of(store, "img_1.png")
    edit = move(store, first)
    commit(store, edit)
    commit(store, edit.inverse())
    commit(store, draw(store, second))
    entries = StoreHistory(store).history(100)
    assert [(e.text, e.undone) for e in entries if not e.undoes] == [("Draw box", False), ("Move box", True)]
    assert [e.images for e in entries] == [(second,), (first,), (first,)]


def test_of_edits_with_one_text_the_very_one_that_was_taken_back_is_marked(store) -> None:
    moves = [move(store, id_of(store, f"img_{number}.png")) for number in range(3)]
    for edit in moves:
        commit(store, edit)
    commit(store, moves[2].inverse())
    commit(store, moves[1].inverse())
    commit(store, draw(store, id_of(store, "img_0.png")))  # nothing can be redone any more
    entries = StoreHistory(store).history(100)
    assert [(e.sequence, e.undone, e.undoes) for e in entries] == [
        (6, False, False),
        (5, False, True),
        (4, False, True),
        (3, True, False),
        (2, True, False),
        (1, False, False),
    ]


@pytest.fixture
def past(qapp, tmp_path: Path) -> Iterator[tuple[Session, HistoryModel]]:
    """A session that shows the first image, and its history."""
    voc_project(tmp_path).close()
    session = Session(tmp_path / "project")
    session.project.open_first()
    model = HistoryModel(StoreHistory(session.store), session.project)
    model.watch(True)
    yield session, model
    model.close()
    session.close()


def corners(session: Session) -> list[tuple[float, float, float, float]]:
    return [box.xyxy for box in session.project.boxes]


def test_an_image_is_shown_as_it_was_and_brought_back_as_one_edit(past, qtbot) -> None:
    session, model = past
    project = session.project
    imported = corners(session)
    project.nudge([project.boxes[0].id], 3, 0)
    project.delete_boxes([project.boxes[1].id])
    qtbot.waitUntil(lambda: [e.text for e in model.entries] == ["Delete nut", "Move bolt"])
    model.select(model.entries[1])
    qtbot.waitUntil(lambda: model.past is not None)
    assert len(model.past.record.boxes) == 2
    assert model.past.picture.width() == 64
    assert model.can_bring_back
    assert model.bring_back()
    assert len(project.boxes) == 2
    project.undo_stack.undo()
    assert len(project.boxes) == 1
    project.undo_stack.undo()
    project.undo_stack.undo()
    assert corners(session) == imported


def test_bringing_back_also_brings_back_the_class_that_is_no_more(past, qtbot) -> None:
    session, model = past
    project = session.project
    washer = project.add_category("washer")
    project.add_box(1, 2, 30, 40, washer.id)
    project.delete_boxes([project.boxes[-1].id])
    project.remove_category(washer.id)
    qtbot.waitUntil(lambda: len(model.entries) == 4)
    model.select(next(e for e in model.entries if e.text == "Draw washer"))
    qtbot.waitUntil(lambda: model.past is not None)
    assert model.bring_back()
    assert project.category(project.boxes[-1].category_id).name == "washer"
    project.undo_stack.undo()
    assert "washer" not in [category.name for category in project.categories]


def test_a_version_that_is_the_present_one_cannot_be_brought_back(past, qtbot) -> None:
    session, model = past
    session.project.nudge([session.project.boxes[0].id], 3, 0)
    qtbot.waitUntil(lambda: len(model.entries) == 1)
    model.select(model.entries[0])
    qtbot.waitUntil(lambda: model.past is not None)
    assert not model.can_bring_back
    assert not model.bring_back()


def test_an_edit_of_another_image_is_seen_from_here_and_going_there_is_asked_for(past, qtbot) -> None:
    session, model = past
    project = session.project
    first, second = (int(i) for i in project.rows.ids[:2])
    project.nudge([project.boxes[0].id], 3, 0)
    project.set_current(second)
    qtbot.waitUntil(lambda: len(model.entries) == 1 and model.entries[0].images == (first,))
    model.select(model.entries[0])
    qtbot.waitUntil(lambda: model.past is not None)
    assert (project.current_id, model.past.record.id, model.is_elsewhere) == (second, first, True)
    model.go_to_image()
    assert (project.current_id, model.past.record.id, model.is_elsewhere) == (first, first, False)


def test_another_image_is_brought_back_without_leaving_the_one_at_hand(past, qtbot) -> None:
    session, model = past
    project = session.project
    first, second = (int(i) for i in project.rows.ids[:2])
    imported = len(project.boxes)
    project.nudge([project.boxes[0].id], 3, 0)
    project.delete_boxes([project.boxes[1].id])
    project.set_current(second)
    qtbot.waitUntil(lambda: [e.text for e in model.entries] == ["Delete nut", "Move bolt"])
    model.select(model.entries[1])
    qtbot.waitUntil(lambda: model.can_bring_back)
    assert model.bring_back()
    assert project.current_id == second
    session.store.flush()
    assert len(session.store.image(first).boxes) == imported


def test_the_list_can_be_that_of_the_image_at_hand(past, qtbot) -> None:
    session, model = past
    project = session.project
    project.nudge([project.boxes[0].id], 3, 0)
    model.set_only_image(True)
    qtbot.waitUntil(lambda: [e.text for e in model.entries] == ["Move bolt"])
    project.set_current(int(project.rows.ids[1]))
    qtbot.waitUntil(lambda: model.entries == ())


# --- problems ---------------------------------------------------------------------------------------------


def locator(store: ProjectStore) -> Locator:
    ids = store.image_table().ids
    return Locator(store, lambda: [(int(i), str(store.image_path(int(i)))) for i in ids])


def problem(file: Path | str, where: str = "") -> Problem:
    return Problem(file=str(file), where=where, kind="odd", message="is odd.", action="Look.")


def test_a_problem_of_a_label_file_leads_to_its_image_and_box(store) -> None:
    image = store.image(id_of(store, "img_1.png"))
    find = locator(store)
    assert find(problem(xml(store, 1), "object[1]/bndbox")) == Spot(image_id=image.id, box_id=image.boxes[1].id)
    assert find(problem(xml(store, 1))) == Spot(image_id=image.id)


def test_a_problem_of_an_image_leads_to_it(store) -> None:
    image = store.image(id_of(store, "img_2.png"))
    find = locator(store)
    path = store.image_path(image.id)
    assert find(problem(path)) == Spot(image_id=image.id)
    assert find(problem(path, f"box {image.boxes[0].id}")) == Spot(image_id=image.id, box_id=image.boxes[0].id)
    assert find(problem(path, "box 987654")) == Spot(image_id=image.id)


def test_a_problem_of_a_coco_file_leads_to_the_image_of_that_record(tmp_path) -> None:
    path = make_coco(tmp_path / "coco")
    imported = codec("coco").read(Source(path=path, images=tmp_path / "coco"), ignore, never)
    with ProjectStore.create(tmp_path / "project", imported) as store:
        image = store.image(id_of(store, "img_2.png"))
        wanted = Spot(image_id=image.id, box_id=image.boxes[0].id)
        assert locator(store)(problem(path, "annotations[2].bbox")) == wanted
        assert locator(store)(problem(path, "info")) is None


def test_a_file_of_nobody_leads_nowhere(store) -> None:
    assert locator(store)(problem("/nowhere/a.xml")) is None


def test_checking_again_finds_what_has_gone_wrong_since(store) -> None:
    store.image_path(id_of(store, "img_0.png")).write_bytes(b"no picture at all")
    found = check_of(store)(ignore, never).problems
    assert any(p.file.endswith("img_0.png") and p.level == "error" for p in found)
