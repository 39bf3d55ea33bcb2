"""The command line as a program: usage, versions, purity of --json, scores of known files, errors nobody foresaw."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from rcnn_studio import __version__, cli
from rcnn_studio.commands import common
from rcnn_studio.domain.errors import ProjectError
from tests.tasks.drawing import make_images, make_voc

# Published with the cocoapi: what its own evaluation demo prints for these two files.
COCOAPI = {
    "AP": 0.505, "AP50": 0.697, "AP75": 0.573, "APs": 0.586, "APm": 0.519, "APl": 0.501,
    "AR1": 0.387, "AR10": 0.594, "AR100": 0.595, "ARs": 0.640, "ARm": 0.566, "ARl": 0.564,
}  # fmt: skip


def program(repository: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "rcnn_studio", *map(str, arguments)]
    return subprocess.run(command, cwd=repository, capture_output=True, text=True, timeout=120, check=False)


def test_evaluate_of_the_cocoapi_files_gives_the_published_numbers(studio, cocoapi100):
    said = studio(
        "evaluate",
        *("--gt", cocoapi100 / "instances_val2014_100.json"),
        *("--dt", cocoapi100 / "instances_val2014_fakebbox100_results.json"),
        "--json",
    )
    assert said.code == 0, said.err
    assert {name: round(said.document[name], 3) for name in COCOAPI} == COCOAPI


@pytest.mark.parametrize("which", ["--gt", "--dt"])
def test_evaluate_names_the_missing_file(studio, cocoapi100, tmp_path, which):
    files = {
        "--gt": cocoapi100 / "instances_val2014_100.json",
        "--dt": cocoapi100 / "instances_val2014_fakebbox100_results.json",
        which: tmp_path / "no.json",
    }
    said = studio("evaluate", "--gt", files["--gt"], "--dt", files["--dt"])
    assert said.code == 1
    assert str(tmp_path / "no.json") in said.err
    assert said.out == ""


@pytest.mark.parametrize("text", ["", "{", "{}", "[1]", '[{"image_id": 1}]', "null"])
def test_evaluate_names_a_results_file_that_is_none(studio, cocoapi100, tmp_path, text):
    bad = tmp_path / "bad.json"
    bad.write_text(text)
    said = studio("evaluate", "--gt", cocoapi100 / "instances_val2014_100.json", "--dt", bad)
    assert said.code == 1
    assert str(bad) in said.err
    assert len(said.err.strip().splitlines()) == 1
    assert bad.read_text() == text


@pytest.mark.parametrize(
    "arguments", [("evaluate",), ("evaluate", "p"), ("evaluate", "--gt", "a"), ("teach", "--help")]
)
def test_wrong_usage_exits_with_2_or_says_what_a_path_is_for(studio, arguments):
    said = studio(*arguments)
    assert said.code == (0 if "--help" in arguments else 2)


def test_version_and_help_name_what_there_is(studio):
    assert studio("--version").out == f"rcnn-studio {__version__}\n"
    text = studio("--help").out
    for command in cli.COMMANDS:
        assert command.name in text


@pytest.mark.parametrize("command", [command.name for command in cli.COMMANDS])
def test_every_command_has_help_and_takes_json(studio, command):
    said = studio(command, "--help")
    assert said.code == 0
    assert "--json" in said.out
    assert f"usage: rcnn-studio {command}" in said.out


def test_a_folder_that_is_no_project_is_named(studio, tmp_path):
    for arguments in (("runs",), ("train",), ("predict", "--run", "last"), ("evaluate", "--run", "last")):
        said = studio(arguments[0], tmp_path, *arguments[1:])
        assert said.code == 1
        assert str(tmp_path) in said.err
        assert len(said.err.strip().splitlines()) == 1


def test_commands_find_the_project_inside_a_folder_of_images(studio, tmp_path):
    make_images(tmp_path / "photos", 2)
    assert studio("new", tmp_path / "photos" / "rcnn-project", "--images", tmp_path / "photos").code == 0
    assert studio("runs", tmp_path / "photos", "--json").document == []


def test_a_window_for_a_path_that_is_not_there_is_refused(studio, tmp_path):
    said = studio(tmp_path / "nowhere")
    assert said.code == 1
    assert str(tmp_path / "nowhere") in said.err


def fail(_options, _terminal, _stop):
    raise ZeroDivisionError("no idea")


def test_an_unforeseen_error_is_one_line_and_a_log(studio, monkeypatch, tmp_path, own_home, expected_warnings):
    expected_warnings.append("runs .* failed")
    runs = next(command for command in cli.COMMANDS if command.name == "runs")
    monkeypatch.setattr(cli, "COMMANDS", (cli.Command(runs.name, runs.options, fail, runs.help),))
    said = studio("runs", tmp_path)
    assert said.code == 1
    assert len(said.err.strip().splitlines()) == 1
    assert "no idea" in said.err
    log = own_home / "logs" / "command-line.log"
    assert str(log) in said.err
    assert "Traceback" in log.read_text()


def test_with_debug_the_unforeseen_error_is_raised(monkeypatch, tmp_path):
    runs = next(command for command in cli.COMMANDS if command.name == "runs")
    monkeypatch.setattr(cli, "COMMANDS", (cli.Command(runs.name, runs.options, fail, runs.help),))
    monkeypatch.setenv("RCNN_STUDIO_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        cli.main(["runs", str(tmp_path)])


def test_what_libraries_print_does_not_reach_stdout(studio, monkeypatch, tmp_path):
    def chatty(_options, _terminal, _stop):
        print("loading annotations into memory...")
        return common.Answer(document={"a": 1}, text="one")

    runs = next(command for command in cli.COMMANDS if command.name == "runs")
    monkeypatch.setattr(cli, "COMMANDS", (cli.Command(runs.name, runs.options, chatty, runs.help),))
    assert studio("runs", tmp_path, "--json").document == {"a": 1}
    assert studio("runs", tmp_path).out == "one\n"


def test_a_message_names_its_project(studio, monkeypatch, tmp_path):
    def refuse(_options, _terminal, _stop):
        raise ProjectError(f"{tmp_path}: locked. Close it there.")

    runs = next(command for command in cli.COMMANDS if command.name == "runs")
    monkeypatch.setattr(cli, "COMMANDS", (cli.Command(runs.name, runs.options, refuse, runs.help),))
    assert studio("runs", tmp_path).err == f"rcnn-studio: {tmp_path}: locked. Close it there.\n"


# --- as a program of its own -----------------------------------------------------------------------------


def test_the_program_makes_a_project_and_prints_json_alone(repository, tmp_path):
    make_voc(tmp_path / "voc", 3)
    done = program(repository, "new", tmp_path / "p", "--voc", tmp_path / "voc", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["images"] == 3
    assert done.stderr == ""


def test_the_program_fails_with_one_line_and_no_traceback(repository, tmp_path):
    done = program(repository, "new", tmp_path / "p", "--voc", tmp_path / "nowhere", "--json")
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1
    assert str(tmp_path / "nowhere") in done.stderr


def test_the_program_exits_with_2_on_wrong_usage(repository, tmp_path):
    done = program(repository, "new", tmp_path / "p")
    assert done.returncode == 2
    assert done.stdout == ""


def test_command_line_tasks_store_and_formats_load_neither_qt_nor_torch(repository):
    code = (
        "import importlib, pkgutil, sys, rcnn_studio\n"
        "for room in ('domain', 'formats', 'store', 'tasks'):\n"
        "    package = importlib.import_module(f'rcnn_studio.{room}')\n"
        "    for module in pkgutil.walk_packages(package.__path__, package.__name__ + '.'):\n"
        "        importlib.import_module(module.name)\n"
        "import rcnn_studio.cli\n"
        "loaded = {name.split('.')[0] for name in sys.modules}\n"
        "found = loaded & {'PySide6', 'shiboken6', 'torch', 'torchvision', 'pyqtgraph'}\n"
        "assert not found, found\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


# --- demo and window ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("ok", "code"), [(True, 0), (False, 1)])
def test_demo_prints_its_report_and_fails_with_a_failed_step(studio, monkeypatch, tmp_path, ok, code):
    asked = []

    def run_demo(out: Path, *, offscreen: bool) -> dict:
        asked.append((out, offscreen))
        return {"steps": [{"name": "draw", "ok": True, "seconds": 1.0}, {"name": "train", "ok": ok, "seconds": 2.0}]}

    monkeypatch.setitem(sys.modules, "rcnn_studio.app", SimpleNamespace(run_demo=run_demo))
    monkeypatch.chdir(tmp_path)
    said = studio("demo", "--out", "shots", "--offscreen", "--json")
    assert said.code == code
    assert [step["name"] for step in said.document["steps"]] == ["draw", "train"]
    assert ("train" in said.err) == (not ok)
    assert asked == [(tmp_path / "shots", True)]


def test_without_a_command_the_window_opens_on_the_path_given(studio, monkeypatch, tmp_path):
    asked = []
    monkeypatch.setitem(
        sys.modules, "rcnn_studio.app", SimpleNamespace(run_window=lambda path: asked.append(path) or 0)
    )
    assert studio().code == 0
    assert studio(tmp_path).code == 0
    assert asked == [None, tmp_path]


def test_a_window_that_cannot_be_loaded_is_one_message(studio, monkeypatch):
    monkeypatch.setitem(sys.modules, "rcnn_studio.app", None)
    said = studio()
    assert said.code == 1
    assert "rcnn-studio doctor" in said.err
    assert "Traceback" not in said.err
