"""What the window promises about saving, and the strips over the picture: read-only, masks that fit no more."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rcnn_studio.domain.box_shapes import ShapeWay
from rcnn_studio.domain.dataset import Box
from rcnn_studio.store.status import StoreStatus
from rcnn_studio.ui.files.badge import Promise, ReadOnlyBanner, SavedBadge
from rcnn_studio.ui.files.shape_question import ShapeQuestion
from rcnn_studio.workspace.files_shapes import ShapePolicy

SAVED = StoreStatus(kind="saved", pending_files=0)


@pytest.mark.parametrize(
    ("status", "text", "look"),
    [
        (SAVED, "Saved", "good"),
        (replace(SAVED, pending_files=1), "Saved · 1 file to write", "good"),
        (replace(SAVED, pending_files=1200), "Saved · 1,200 files to write", "good"),
        (replace(SAVED, kind="saving"), "Saving …", "muted"),
        (replace(SAVED, kind="error", message="Disk full."), "Not written", "bad"),
        (replace(SAVED, durability="weaker", durability_reason="It is on a network drive."), "Saved", "warning"),
        (replace(SAVED, pending_files=2, paused=True), "Saved · 2 files to write (paused)", "muted"),
    ],
)
def test_the_badge_says_how_things_stand(status, text, look, qtbot) -> None:
    badge = SavedBadge(Promise())
    qtbot.addWidget(badge)
    badge.show_status(status)
    assert (badge.text(), badge.look) == (text, look)
    assert text in badge.accessibleName()
    assert (status.message or status.durability_reason) in badge.toolTip()


def test_a_weaker_promise_looks_different_and_not_by_colour_alone(qtbot) -> None:
    badge = SavedBadge(Promise())
    qtbot.addWidget(badge)
    strong = badge.icon().pixmap(16).toImage()
    badge.show_status(replace(SAVED, durability="weaker", durability_reason="It is on a network drive."))
    weak = badge.icon().pixmap(16).toImage()
    shapes = [[i.pixelColor(x, y).alpha() > 99 for x in range(16) for y in range(16)] for i in (strong, weak)]
    assert shapes[0] != shapes[1]


def test_a_read_only_project_never_claims_to_be_saved(qtbot) -> None:
    badge = SavedBadge(Promise(read_only="anna on press-7 has it open."))
    qtbot.addWidget(badge)
    badge.show_status(SAVED)
    assert badge.text() == "Read-only"
    assert "anna" in badge.toolTip()


def test_a_click_on_the_badge_asks_for_the_changes(qtbot) -> None:
    badge = SavedBadge(Promise())
    qtbot.addWidget(badge)
    with qtbot.waitSignal(badge.asked):
        badge.click()


def test_the_read_only_banner_names_who_has_it_open(qtbot) -> None:
    banner = ReadOnlyBanner("anna on press-7 (process 4211)")
    qtbot.addWidget(banner)
    assert "anna on press-7" in banner.text
    other = ReadOnlyBanner("")
    qtbot.addWidget(other)
    assert "cannot be written" in other.text


# --- masks and key points -----------------------------------------------------------------------------------


class Store:
    """A project of one file, with or without masks."""

    def __init__(self) -> None:
        self.shapes = True
        self.way: ShapeWay | None = None

    def has_shapes(self, image_id: int) -> bool:
        return self.shapes

    def shape_way(self) -> ShapeWay | None:
        return self.way

    def choose_shape_way(self, way: ShapeWay) -> None:
        self.way = way


BOX = Box(id=1, x1=0, y1=0, x2=10, y2=10, category_id=1, place=3)
MOVED = BOX.moved_to(5, 5, 25, 15)


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def question(qtbot, store: Store) -> ShapeQuestion:
    made = ShapeQuestion(ShapePolicy(store))
    qtbot.addWidget(made)
    return made


def policy_of(question: ShapeQuestion) -> ShapePolicy:
    return question._policy


def test_the_question_is_put_when_a_box_with_a_mask_is_moved(question) -> None:
    policy = policy_of(question)
    assert policy.way == ShapeWay.KEEP
    assert policy.notice(1, [BOX], [MOVED])
    assert "mask or key points" in question.text
    assert [button.text() for button in question.buttons] == ["Keep as it is", "Scale with the box", "Clear"]


@pytest.mark.parametrize(
    ("before", "after", "shapes"),
    [
        (BOX, MOVED, False),
        (BOX, replace(BOX, category_id=2), True),
        (replace(BOX, place=None), replace(MOVED, place=None), True),
        (replace(BOX, id=2), MOVED, True),
    ],
    ids=["no mask", "not moved", "not in the file", "new"],
)
def test_the_question_is_not_put_where_nothing_gets_stale(question, store, before, after, shapes) -> None:
    store.shapes = shapes
    assert not policy_of(question).notice(1, [before], [after])
    assert question.text == ""


@pytest.mark.parametrize("way", list(ShapeWay))
def test_the_answer_is_remembered_and_never_asked_for_again(question, store, way) -> None:
    policy = policy_of(question)
    policy.notice(1, [BOX], [MOVED])
    question.buttons[list(ShapeWay).index(way)].click()
    assert question.text == ""
    assert policy.way == way
    assert not policy.notice(1, [BOX], [MOVED])
    assert ShapePolicy(store).way == way


def test_a_dismissed_question_keeps_masks_and_comes_back(question) -> None:
    policy = policy_of(question)
    policy.notice(1, [BOX], [MOVED])
    assert not policy.notice(1, [BOX], [MOVED]), "it stands there already"
    question.close_button.click()
    assert policy.way == ShapeWay.KEEP
    assert not policy.answered
    assert policy.notice(1, [BOX], [MOVED])
