"""Which presets and settings the Train panel offers, what it says of them, and which one it begins with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest
from PySide6.QtCore import QRect, Qt
from PySide6.QtWidgets import QStyleOptionViewItem, QWidget

from rcnn_studio.domain.runs import RunInfo, TrainConfig
from rcnn_studio.formats.codec import Source
from rcnn_studio.tasks import presets as presets_module
from rcnn_studio.tasks.importing import create_project
from rcnn_studio.tasks.presets import list_presets
from rcnn_studio.ui.train import preset_box
from rcnn_studio.ui.train.fields import ChoiceEditor
from rcnn_studio.ui.train.form import TrainForm
from rcnn_studio.ui.train.panel import TrainPanel
from rcnn_studio.ui.train.preset_box import LINE_ROLE, LIST_WIDTH, MARGIN, PresetBox
from rcnn_studio.ui.train.suggestion import suggest
from rcnn_studio.workspace.session import Session
from tests.run_folders import make_finished_run
from tests.store.projects import make_voc
from tests.ui.fake_runs import make_scores


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    source = Source(path=make_voc(tmp_path / "voc", images=5, unlabelled=2))
    made = Session(create_project(tmp_path / "project", source, format_name="voc").project)
    made.project.open_first()
    yield made
    made.close()


@pytest.fixture
def host(qtbot) -> QWidget:
    made = QWidget()
    qtbot.addWidget(made)
    made.resize(440, 600)
    return made


@pytest.fixture
def panel(session: Session, host: QWidget) -> TrainPanel:
    made = TrainPanel(session.training, session.project, session.review, host)
    made.resize(440, 600)
    host.show()
    made.show()
    return made


def run_of(preset: str) -> RunInfo:
    return RunInfo(
        id=preset, path="", status="finished", preset=preset, epochs=3, seconds=9, best_epoch=3, best=make_scores(0.5)
    )


@pytest.mark.parametrize(
    ("images", "runs", "gpu", "there", "preset", "why"),
    [
        (0, [], False, False, "quick-look", "first run"),
        (12, [], False, False, "quick-look", "12 labelled images"),
        (12, [], True, False, "quick-look", "12 labelled images"),
        (12, [], True, True, "standard", "GPU"),
        (96, ["quick-look"], False, False, "from-scratch", "96 labelled images"),
        (5, ["quick-look"], False, False, "refine", "a model already"),
        (96, ["from-scratch", "quick-look"], False, False, "refine", "a model already"),
        (96, ["standard"], True, True, "refine", "a model already"),
    ],
)
def test_the_preset_to_begin_with_follows_from_the_project_and_the_computer(
    images: int, runs: list[str], gpu: bool, there: bool, preset: str, why: str
) -> None:
    found = suggest(images, [run_of(name) for name in runs], gpu=gpu, coco_there=there)
    assert found.preset == preset
    assert why in found.reason


def test_a_new_project_begins_with_a_quick_look_and_says_why(qtbot, panel: TrainPanel) -> None:
    qtbot.waitUntil(lambda: panel.preset.currentData() == "quick-look")
    assert panel.reason.isVisible()
    assert panel.reason.text().startswith("Suggested for a first run: ")
    assert panel.form.config().preset == "quick-look"


def test_what_the_person_has_chosen_stays(qtbot, panel: TrainPanel, session: Session) -> None:
    place = panel.preset.findData("from-scratch")
    panel.preset.setCurrentIndex(place)
    panel.preset.activated.emit(place)
    assert not panel.reason.isVisible(), "the reason is for another one"
    make_finished_run(session.store.runs_folder, session.project.categories)
    session.review.refresh_runs()
    panel.refresh_data()
    assert panel.preset.currentData() == "from-scratch"


def test_every_preset_has_a_line_that_is_shown_whole_in_the_list(qtbot) -> None:
    box = PresetBox(list_presets())
    qtbot.addWidget(box)
    option = QStyleOptionViewItem()
    option.initFrom(box.view())
    for place in range(box.count()):
        line = box.line(place)
        assert line
        assert line.endswith(".")
        index = box.model().index(place, 0)
        assert index.data(LINE_ROLE) == line
        size = box.view().itemDelegate().sizeHint(option, index)
        room = QRect(0, 0, LIST_WIDTH - 2 * MARGIN - 16, 1000)
        needed = option.fontMetrics.boundingRect(room, int(Qt.TextFlag.TextWordWrap), line).height()
        assert size.height() >= needed + option.fontMetrics.height()


@pytest.mark.parametrize(("there", "says"), [(True, "OpenCV is installed."), (False, "OpenCV is not installed: pip")])
def test_a_preset_that_needs_opencv_says_whether_it_is_here(qtbot, monkeypatch, there: bool, says: str) -> None:
    monkeypatch.setattr(preset_box, "has_opencv", lambda: there)
    box = PresetBox(list_presets())
    qtbot.addWidget(box)
    assert says in box.line(box.findData("fast-rcnn-light"))
    assert "OpenCV" not in box.line(box.findData("from-scratch"))


def test_without_opencv_such_a_preset_is_not_started(panel: TrainPanel, monkeypatch) -> None:
    monkeypatch.setattr("rcnn_studio.ui.train.panel.has_opencv", lambda: False)
    panel.preset.setCurrentIndex(panel.preset.findData("fast-rcnn"))
    assert "rcnn-studio[proposals]" in panel.blocker()
    panel.preset.setCurrentIndex(panel.preset.findData("alternating"))
    assert panel.blocker() == ""


def test_the_folded_settings_are_summed_up_without_being_cut(qtbot, panel: TrainPanel) -> None:
    panel.settings.set_open(False)
    note = panel.settings.note
    assert note.isVisible()
    assert "at\u00a0most\u00a02.8\u00a0min" in note.text()
    assert "learning\u00a0rate\u00a00.0007" in note.text()
    qtbot.waitUntil(lambda: note.height() >= note.heightForWidth(note.width()))


def test_another_split_changes_what_would_be_trained_on(qtbot, panel: TrainPanel, session: Session) -> None:
    count = session.project.rows.split_count("val")
    line = panel.form.editors["train_split"].line
    line.selectAll()
    qtbot.keyClicks(line, "val")
    words = f"{count} image" + ("s" if count != 1 else "") + " to train on"
    qtbot.waitUntil(lambda: panel.data_label.text().startswith(words))


# --- the form knows every setting of the engine -----------------------------------------------------


@pytest.fixture
def form(qtbot) -> TrainForm:
    made = TrainForm(next(p for p in list_presets() if p.name == "from-scratch"))
    qtbot.addWidget(made)
    return made


def test_every_setting_of_a_training_can_be_changed_in_the_form(form: TrainForm) -> None:
    missing = {f.name for f in fields(TrainConfig)} - set(form.editors) - {"preset", "extra"}
    assert missing == set()


def test_every_choice_of_the_engine_is_offered_in_words(form: TrainForm) -> None:
    from rcnn_studio.engine.models.backbones import BACKBONES

    wanted = {**presets_module._CHOICES, "backbone": BACKBONES}
    for key, values in wanted.items():
        editor = form.editors[key]
        assert isinstance(editor, ChoiceEditor)
        assert {editor.combo.itemData(n) for n in range(editor.combo.count())} == set(values), key
        assert not set(values) & {editor.text_of(v) for v in values} - {"bfloat16"}, "words, not keys"


def test_a_backbone_of_one_level_brings_the_head_and_norm_it_needs(form: TrainForm) -> None:
    from rcnn_studio.engine.models.detector import build_detector

    combo = form.editors["backbone"].combo
    for name, head, norm in (("resnet18-c4", "body", "group"), ("resnet18", "mlp", "group")):
        combo.setCurrentIndex(combo.findData(name))
        config = form.config()
        assert (config.box_head, config.norm) == (head, norm)
        build_detector(config, 3)
    combo.setCurrentIndex(combo.findData("vgg16"))
    assert (form.config().box_head, form.config().norm) == ("mlp", "none")


def test_numbers_in_a_row_are_read_with_commas_or_spaces(qtbot, form: TrainForm) -> None:
    line = form.editors["anchor_sizes"].line
    line.selectAll()
    qtbot.keyClicks(line, "8 16, 32, 64 128")
    assert form.config().anchor_sizes == (8.0, 16.0, 32.0, 64.0, 128.0)
    line.selectAll()
    qtbot.keyClicks(line, "8, x")
    assert form.problem().startswith("Anchor sizes: ")
