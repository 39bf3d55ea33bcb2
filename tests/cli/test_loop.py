"""Train, evaluate, predict, list and export from the command line, on a few drawn images."""

from __future__ import annotations

import json
import os
import signal
import threading
from pathlib import Path

import pytest

from rcnn_studio.cli import main
from rcnn_studio.store.project import ProjectStore
from tests.tasks.drawing import boxes_of, contents, draw, make_voc

TINY = ("epochs=2", "min_steps=0", "max_minutes=0", "image_size=96", "image_max_size=96", "batch_size=4", "amp=off")
SCORES = {"AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl", "VOC07", "VOC10"}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with one short run."""
    folder = tmp_path_factory.mktemp("trained")
    make_voc(folder / "voc", 12)
    assert main(["new", str(folder / "p"), "--voc", str(folder / "voc")]) == 0
    assert main(["train", str(folder / "p"), "--preset", "quick-look", "--set", *TINY, "--devices", "cpu"]) == 0
    return folder / "p"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project without runs."""
    make_voc(tmp_path / "voc", 12)
    assert main(["new", str(tmp_path / "p"), "--voc", str(tmp_path / "voc")]) == 0
    return tmp_path / "p"


def test_train_tells_run_status_best_and_device(studio, project):
    said = studio("train", project, "--preset", "quick-look", "--set", *TINY, "--set", "epochs=1", "--json")
    assert said.code == 0, said.err
    document = said.document
    assert set(document) == {"run", "status", "seconds", "best", "device"}
    assert document["status"] == "finished"
    assert set(document["best"]) == {"epoch", "AP", "AP50"}
    assert document["best"]["epoch"] == 1
    assert document["device"]
    assert (project / "runs" / document["run"] / "checkpoints" / "best").is_dir()
    assert "epoch 1/1" in said.err


def test_runs_lists_what_was_trained(studio, trained):
    (run,) = studio("runs", trained, "--json").document
    assert set(run) == {"id", "status", "preset", "epochs", "best"}
    assert (run["status"], run["preset"], run["epochs"]) == ("finished", "quick-look", 2)
    assert run["best"]["AP"] >= 0
    assert run["id"] in studio("runs", trained).out


def test_errors_by_kind_come_only_where_asked_for(studio, trained):
    plain = studio("evaluate", trained, "--run", "last", "--json").document
    asked = studio("evaluate", trained, "--run", "last", "--errors", "--json").document
    assert {key: asked[key] for key in plain} == plain
    assert set(asked) - set(plain) == {"errors", "confusion", "curves", "sizes"}
    assert [row["name"] for row in asked["errors"]][:2] == ["classification", "localization"]
    assert "background" in studio("evaluate", trained, "--run", "last", "--errors").out


def test_a_dry_run_says_what_a_training_would_take_and_trains_nothing(studio, project):
    said = studio("train", project, "--preset", "quick-look", "--set", *TINY, "--dry-run", "--json", "--devices", "cpu")
    assert said.code == 0, said.err
    assert said.document["step_s"] > 0
    assert studio("runs", project, "--json").document == []


def test_a_model_is_exported_with_its_example(studio, trained, tmp_path):
    said = studio("export-model", trained, "--run", "last", "--format", "torchscript", tmp_path / "m.pt", "--json")
    assert said.code == 0, said.err
    assert {p.name for p in tmp_path.iterdir()} == {"m.pt", "m.json", "m_example.py"}
    assert said.document["images"] > 0
    assert said.document["largest_box_difference"] < 0.01


def test_evaluate_gives_the_very_scores_the_training_saw(studio, trained):
    (run,) = studio("runs", trained, "--json").document
    said = studio("evaluate", trained, "--run", "last", "--json")
    assert said.code == 0, said.err
    assert set(said.document) == SCORES | {"per_category"}
    assert said.document["AP"] == pytest.approx(run["best"]["AP"], abs=1e-9)
    assert [set(row) for row in said.document["per_category"]] == [{"name", "boxes", "AP", "AP50"}] * 2
    kept = json.loads((trained / "runs" / run["id"] / "scores_val.json").read_text())
    assert kept["AP"] == said.document["AP"]


def test_evaluate_of_a_split_without_labels_says_which_there_are(studio, trained):
    said = studio("evaluate", trained, "--run", "best", "--split", "test")
    assert said.code == 1
    assert "'test'" in said.err
    assert "train, val" in said.err


def test_predict_writes_coco_results_that_evaluate_reads(studio, trained, tmp_path):
    out = tmp_path / "detections.json"
    said = studio("predict", trained, "--run", "last", "--out", out, "--json")
    assert said.code == 0, said.err
    rows = json.loads(out.read_text())
    assert said.document == {"images": 12, "detections": len(rows), "seconds": said.document["seconds"]}
    assert rows
    assert set(rows[0]) == {"image_id", "category_id", "bbox", "score"}
    assert all(0 <= row["score"] <= 1 for row in rows)
    assert {row["category_id"] for row in rows} <= {1, 2}
    assert all(row["bbox"][0] >= 0 and row["bbox"][0] + row["bbox"][2] <= 96.01 for row in rows)
    truth = {
        "images": [{"id": n + 1} for n in range(12)],
        "categories": [{"id": 1, "name": "disc"}, {"id": 2, "name": "square"}],
        "annotations": [
            {"id": 2 * n + k, "image_id": n + 1, "category_id": {"disc": 1, "square": 2}[b[0]], "iscrowd": 0}
            | {"bbox": [b[1], b[2], b[3] - b[1], b[4] - b[2]], "area": (b[3] - b[1]) * (b[4] - b[2])}
            for n in range(12)
            for k, b in enumerate(boxes_of(n), start=1)
        ],
    }
    (tmp_path / "gt.json").write_text(json.dumps(truth))
    scored = studio("evaluate", "--gt", tmp_path / "gt.json", "--dt", out, "--json")
    assert scored.code == 0, scored.err
    assert 0 <= scored.document["AP"] <= 1


def test_predicting_the_project_keeps_the_detections_with_the_run(studio, trained):
    (run,) = studio("runs", trained, "--json").document
    assert studio("predict", trained, "--run", run["id"]).code == 0
    assert (trained / "runs" / run["id"] / "detections" / "offsets.npy").is_file()


def test_predict_takes_foreign_images_and_names_them(studio, trained, tmp_path):
    draw(tmp_path / "new" / "one.jpg", boxes_of(40))
    draw(tmp_path / "new" / "deep" / "two.jpg", boxes_of(41))
    alone = draw(tmp_path / "three.png", boxes_of(42))
    out = tmp_path / "out.json"
    said = studio("predict", trained, "--run", "last", "--images", tmp_path / "new", alone, "--out", out, "--json")
    assert said.code == 0, said.err
    assert said.document["images"] == 3
    assert {Path(row["file_name"]).name for row in json.loads(out.read_text())} <= {"one.jpg", "two.jpg", "three.png"}


def test_predict_names_a_broken_image_and_still_writes_the_others(studio, trained, tmp_path):
    good = draw(tmp_path / "good.jpg", boxes_of(40))
    bad = draw(tmp_path / "bad.jpg", boxes_of(41))
    bad.write_bytes(bad.read_bytes()[:-500])
    before = bad.read_bytes()
    out = tmp_path / "out.json"
    said = studio("predict", trained, "--run", "last", "--images", good, bad, "--out", out, "--json")
    assert said.code == 1
    assert said.document["images"] == 1
    assert "bad.jpg" in said.err
    assert "Traceback" not in said.err
    assert {Path(row["file_name"]).name for row in json.loads(out.read_text())} == {"good.jpg"}
    assert bad.read_bytes() == before


def test_predict_with_nothing_readable_is_one_error(studio, trained, tmp_path):
    (tmp_path / "bad.jpg").write_bytes(b"no picture")
    said = studio("predict", trained, "--run", "last", "--images", tmp_path / "bad.jpg", "--out", tmp_path / "o.json")
    assert said.code == 1
    assert said.out == ""
    assert str(tmp_path / "bad.jpg") in said.err
    assert not (tmp_path / "o.json").exists()


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("--run", "2020-01-01_0000"), "2020-01-01_0000"),
        (("--run", "last", "--images", "nowhere.jpg"), "nowhere.jpg"),
        (("--run", "last", "--out", "no/such/folder/o.json"), "such"),
    ],
)
def test_predict_refuses_what_is_not_there_before_any_work(studio, trained, arguments, word):
    said = studio("predict", trained, *arguments)
    assert said.code == 1
    assert word in said.err
    assert len(said.err.strip().splitlines()) == 1


def test_the_loop_works_while_another_program_has_the_project_open(studio, project):
    with ProjectStore.open(project) as store:
        assert not store.read_only
        said = studio("train", project, "--preset", "quick-look", "--set", *TINY, "--set", "epochs=1", "--json")
        assert said.code == 0, said.err
        assert studio("predict", project, "--run", "last").code == 0
        assert studio("evaluate", project, "--run", "last").code == 0
        assert len(studio("runs", project, "--json").document) == 1


def test_ctrl_c_keeps_the_best_and_exits_with_1(studio, project):
    def press_when_a_run_has_a_model() -> None:
        while not done.is_set():
            if list((project / "runs").glob("*/checkpoints/best/*")):
                os.kill(os.getpid(), signal.SIGINT)
                return
            done.wait(0.02)

    done = threading.Event()
    presser = threading.Thread(target=press_when_a_run_has_a_model)
    presser.start()
    said = studio("train", project, "--preset", "quick-look", "--set", *TINY, "--set", "epochs=2000", "--json")
    done.set()
    presser.join()
    assert said.code == 1
    assert said.document["status"] == "stopped"
    assert "Cancelled." in said.err
    assert "Traceback" not in said.err
    (run,) = studio("runs", project, "--json").document
    assert run["status"] == "stopped"
    assert studio("predict", project, "--run", "last").code == 0
    goes_on(studio, project, run["id"])


def goes_on(studio, project, run_id):
    resume = ("train", project, "--resume", run_id)
    fixed = studio(*resume, "--set", "batch_size=2")
    assert fixed.code == 1
    assert "batch_size" in fixed.err
    assert studio(*resume, "--preset", "quick-look").code == 2
    said = studio(*resume, "--set", "epochs=1", "--json", "--profile")
    assert said.code == 0, said.err
    assert (said.document["run"], said.document["status"]) == (run_id, "finished")
    assert {part["name"] for part in said.document["profile"]["parts"]} >= {"forward", "backward", "data wait"}
    again = studio(*resume)
    assert again.code == 1
    assert "no checkpoint to go on from" in again.err
    assert studio("runs", project, "--json").document[0]["status"] == "finished"


def test_train_without_a_label_says_what_to_do_and_makes_no_run(studio, tmp_path):
    draw(tmp_path / "photos" / "x.jpg", boxes_of(0))
    assert studio("new", tmp_path / "p", "--images", tmp_path / "photos").code == 0
    said = studio("train", tmp_path / "p")
    assert said.code == 1
    assert "no image is labelled" in said.err
    assert studio("runs", tmp_path / "p", "--json").document == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--preset", "quik-look"), ("quik-look", "quick-look")),
        (("--set", "epoch=3"), ("epoch", "epochs")),
        (("--set", "epochs=three"), ("epochs", "whole number")),
        (("--set", "lr=fast"), ("lr", "number")),
        (("--set", "epochs=0"), ("epochs", "from 1")),
        (("--set", "amp=float8"), ("amp", "bf16")),
        (("--devices", "2"), ("--devices", "several")),
        (("--config", "nowhere.toml"), ("nowhere.toml",)),
    ],
)
def test_a_bad_setting_is_named_and_starts_nothing(studio, trained, arguments, words):
    before = contents(trained)
    said = studio("train", trained, *arguments)
    assert said.code == 1
    assert len(said.err.strip().splitlines()) == 1
    for word in words:
        assert word in said.err
    assert contents(trained) == before


@pytest.mark.parametrize("arguments", [("--devices", "none"), ("--set",), ("--set", "epochs"), ("--resume",)])
def test_wrong_usage_of_train_exits_with_2(studio, trained, arguments):
    assert studio("train", trained, *arguments).code == 2


@pytest.mark.parametrize("format_name", ["voc", "coco"])
def test_export_writes_a_dataset_that_new_reads_again(studio, trained, tmp_path, format_name):
    said = studio("export", trained, "--format", format_name, tmp_path / "out", "--json")
    assert said.code == 0, said.err
    assert said.document["images"] == 12
    assert said.document["boxes"] == 24
    assert said.document["files"] == len(contents(tmp_path / "out"))
    if format_name == "voc":
        again = ("--voc", tmp_path / "out")
    else:
        again = (
            "--coco",
            *sorted((tmp_path / "out" / "annotations").iterdir()),
            "--images",
            tmp_path / "out" / "images",
        )
    made = studio("new", tmp_path / "again", *again, "--json")
    assert made.code == 0, made.err
    assert (made.document["images"], made.document["boxes"], made.document["problems"]) == (12, 24, [])


def test_export_into_a_folder_with_something_in_it_touches_nothing(studio, trained, tmp_path):
    (tmp_path / "letter.txt").write_text("dear")
    said = studio("export", trained, "--format", "voc", tmp_path)
    assert said.code == 1
    assert "not empty" in said.err
    assert contents(tmp_path) == {"letter.txt": b"dear"}
