"""What the window promises about saving, and the strips over the picture: read-only, masks that fit no more."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rcnn_studio.domain.box_shapes import ShapeWay, follow
from rcnn_studio.domain.dataset import Box
from rcnn_studio.store.status import StoreStatus
from rcnn_studio.ui.files.badge import Promise, ReadOnlyBanner, SavedBadge
from rcnn_studio.ui.files.shape_question import ShapeQuestion
from rcnn_studio.workspace.files_shapes import ShapePolicy
from tests.ui.files_fakes import collector as collector

pytestmark = pytest.mark.usefixtures("collector")

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


class Memory(dict[str, str]):
    def get_meta(self, key: str) -> str | None:
        return self.get(key)

    def set_meta(self, key: str, value: str) -> None:
        self[key] = value


MASKED = Box(id=1, x1=0, y1=0, x2=10, y2=10, category_id=1, extra={"segmentation": [[0, 0, 10, 0, 10, 10]]})
MOVED = MASKED.moved_to(5, 5, 25, 15)


@pytest.fixture
def question(qtbot) -> ShapeQuestion:
    made = ShapeQuestion(ShapePolicy(Memory()))
    qtbot.addWidget(made)
    return made


def policy_of(question: ShapeQuestion) -> ShapePolicy:
    return question._policy


def test_the_question_is_put_when_a_box_with_a_mask_is_moved(question) -> None:
    policy = policy_of(question)
    assert policy.way == ShapeWay.KEEP
    assert policy.notice([MASKED], [MOVED])
    assert question.text.startswith("This box has a mask or key points")
    assert [button.text() for button in question.buttons] == ["Keep as it is", "Scale with the box", "Clear"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (replace(MASKED, extra={}), replace(MOVED, extra={})),
        (MASKED, replace(MASKED, category_id=2)),
        (replace(MASKED, extra={"segmentation": []}), replace(MOVED, extra={"segmentation": []})),
    ],
    ids=["no mask", "not moved", "empty mask"],
)
def test_the_question_is_not_put_where_nothing_gets_stale(question, before, after) -> None:
    assert not policy_of(question).notice([before], [after])
    assert question.text == ""


@pytest.mark.parametrize("way", list(ShapeWay))
def test_the_answer_is_remembered_and_never_asked_for_again(question, way) -> None:
    policy = policy_of(question)
    policy.notice([MASKED], [MOVED])
    question.buttons[list(ShapeWay).index(way)].click()
    assert question.text == ""
    assert policy.way == way
    assert not policy.notice([MASKED], [MOVED])
    assert ShapePolicy(policy._memory).way == way


def test_a_dismissed_question_keeps_masks_and_comes_back(question) -> None:
    policy = policy_of(question)
    policy.notice([MASKED], [MOVED])
    assert not policy.notice([MASKED], [MOVED]), "it stands there already"
    question.close_button.click()
    assert policy.way == ShapeWay.KEEP
    assert not policy.answered
    assert policy.notice([MASKED], [MOVED])


def test_a_mask_is_scaled_as_its_box_was() -> None:
    made = follow(MASKED.extra, MASKED.xyxy, MOVED.xyxy, ShapeWay.SCALE)
    assert made["segmentation"] == [[5, 5, 25, 5, 25, 15]]


def test_key_points_nobody_set_stay_zero_and_the_visibility_stays() -> None:
    extra = {"keypoints": [10, 10, 2, 0, 0, 0, 5, 5, 1]}
    assert follow(extra, MASKED.xyxy, MOVED.xyxy, ShapeWay.SCALE)["keypoints"] == [25, 15, 2, 0, 0, 0, 15, 10, 1]
    assert follow(extra, MASKED.xyxy, MOVED.xyxy, ShapeWay.CLEAR)["keypoints"] == [0] * 9


def test_clearing_empties_the_mask_and_keeping_leaves_every_field() -> None:
    extra = {"segmentation": [[1, 2, 3, 4, 5, 6]], "note": "x"}
    assert follow(extra, MASKED.xyxy, MOVED.xyxy, ShapeWay.CLEAR) == {"segmentation": [], "note": "x"}
    assert follow(extra, MASKED.xyxy, MOVED.xyxy, ShapeWay.KEEP) == extra


def test_a_mask_of_run_lengths_cannot_be_scaled_and_is_kept() -> None:
    extra = {"segmentation": {"counts": "PX", "size": [4, 4]}}
    assert follow(extra, MASKED.xyxy, MOVED.xyxy, ShapeWay.SCALE) == extra


NUMBER = st.floats(-1e4, 1e4, allow_nan=False)
SIZE = st.floats(1, 1e4)


@given(st.lists(st.tuples(NUMBER, NUMBER), min_size=1, max_size=6), NUMBER, NUMBER, SIZE, SIZE)
def test_scaling_there_and_back_gives_the_same_points(points, x, y, width, height) -> None:
    extra = {"segmentation": [[v for point in points for v in point]]}
    there = (x, y, x + width, y + height)
    moved = follow(extra, (0, 0, 100, 100), there, ShapeWay.SCALE)
    back = follow(moved, there, (0, 0, 100, 100), ShapeWay.SCALE)
    limit = 0.02 + 2 * max(100 / width, 100 / height)
    for a, b in zip(extra["segmentation"][0], back["segmentation"][0], strict=True):
        assert abs(a - b) <= limit
