"""What a run will take, before it starts: figures by hand, the memory of the compiled step, and what is refused."""

import dataclasses
import json

import jax
import pytest
from jax.stages import Lowered
from short_runs import CONFIG, DATASET, Printed, run, with_recipe

from zoo.__main__ import main
from zoo.errors import ZooError
from zoo.runtime.mesh import data_mesh
from zoo.training import PreparedRun, Recipe, RunFolder, RunOptions, state_split
from zoo.training.checkpoint.run_folder import saved_steps
from zoo.training.compiled_step import abstract_inputs
from zoo.training.feed import open_feed
from zoo.training.plan import machine
from zoo.training.plan.dry_run import check_disk, dry_run, make_plan, state_shapes
from zoo.training.plan.machine import Machine, free_space
from zoo.training.plan.plan_lines import memory_line, plan_lines, plan_report
from zoo.training.plan.rate_points import rate_points
from zoo.training.plan.run_plan import RunImages, plan_run
from zoo.training.plan.step_memory import StepMemory, check_step_memory
from zoo.training.schedule import TrainingPlan

POD = Machine(devices=64, hosts=8, kind="NVIDIA H200", memory=140 * 2**30, peak=64 * 989.0, disk=10**12)
IMAGENET = RunImages(training=1_281_167, test=50_000, pixel_bytes=224 * 224 * 3, encoded_bytes=110_000.0)
RESNET50 = dataclasses.replace(
    CONFIG, model="resnet50", recipe=Recipe(epochs=90, batch_size=1024, dtype="bfloat16", feed="streamed")
)


def pod_plan(**changes):
    given = {"parameters": 25_557_032, "checkpoint_bytes": 3 * 10**8, "macs": 4_089_184_256, **changes}
    return plan_run(RESNET50, RunOptions(keep=5), IMAGENET, POD, **given)


def prepared(path, config=CONFIG, **options):
    return PreparedRun(config=config, dataset=DATASET, folder=RunFolder(path), options=RunOptions(**options))


def test_figures_of_imagenet_on_a_pod_by_hand():
    plan = pod_plan()
    assert (plan.steps_per_epoch, plan.steps, plan.unused_images) == (1251, 112_590, 1_281_167 - 1251 * 1024)
    assert plan.disk_bytes == 7 * 3 * 10**8
    repeated = dataclasses.replace(RESNET50, recipe=dataclasses.replace(RESNET50.recipe, repeats=3))
    plan_of_repeats = plan_run(repeated, RunOptions(), IMAGENET, POD, parameters=1, checkpoint_bytes=1)
    assert plan_of_repeats.unused_images == 1_281_167 - 1251 * 1024 // 3
    assert "each 3 times" in "".join(plan_lines(plan_of_repeats))
    # A multiply-add is two operations; the backward pass is twice the forward pass; a fifth of the peak.
    speed = 0.2 * 64 * 989e12 / (2 * 4_089_184_256 * 3)
    assert plan.images_per_second == pytest.approx(speed)
    assert plan.host_images_per_second == pytest.approx(speed / 8)
    assert plan.seconds_per_epoch == pytest.approx((1251 * 1024 + 50_000 / 3) / speed)
    text = "\n".join(plan_report(plan))
    assert "16 per device" in text and "64 x NVIDIA H200" in text and "20%" in text


def test_what_is_not_known_is_not_said():
    plan = plan_run(
        RESNET50,
        RunOptions(),
        dataclasses.replace(IMAGENET, encoded_bytes=None),
        Machine(devices=1, hosts=1, kind="cpu"),
        parameters=1,
        checkpoint_bytes=1,
        macs=10**9,
    )
    assert plan.seconds_per_epoch is plan.host_images_per_second is plan.memory is None
    lines = plan_report(plan)
    assert not any("None" in line or line.startswith("checkpoints") for line in lines)
    assert "not known" in memory_line(plan)


def test_the_copy_for_a_checkpoint_is_on_the_devices_where_it_fits():
    memory = StepMemory(arguments=100 * 2**30, results=0, temporary=0, code=0)
    for size, where in ((2**30, "1.0 GiB more while a checkpoint is written"), (30 * 2**30, "copied to the host")):
        assert where in memory_line(pod_plan(memory=memory, copy_bytes=size))
    nothing_written = dataclasses.replace(pod_plan(memory=memory), machine=dataclasses.replace(POD, disk=None))
    assert "checkpoint" not in memory_line(nothing_written)


def test_frozen_layers_have_no_backward_pass_and_no_estimate():
    config = dataclasses.replace(RESNET50, recipe=dataclasses.replace(RESNET50.recipe, freeze="backbone"))
    plan = plan_run(config, RunOptions(), IMAGENET, POD, parameters=1, checkpoint_bytes=1, macs=10**9)
    assert plan.macs_per_epoch is plan.seconds_per_epoch is None
    assert any("1 G per image" in line for line in plan_report(plan))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"schedule": "staircase", "decay_at": "3,6", "warmup_epochs": 1, "epochs": 9},
            {1: 0.0, 11: 0.5, 31: 0.05, 61: 0.005, 90: 0.005},
        ),
        ({"schedule": "constant", "warmup_epochs": 0, "epochs": 2}, {1: 0.5, 20: 0.5}),
        ({"schedule": "plateau", "warmup_epochs": 1, "epochs": 4}, {1: 0.0, 11: 0.5}),
        ({"schedule": "linear", "warmup_epochs": 0, "epochs": 4}, {1: 0.5, 21: 0.25, 40: 0.5 / 40}),
        (
            {"schedule": "staircase", "decay_at": "2", "warmup_epochs": 0, "epochs": 4, "accumulate": 5},
            {1: 0.5, 21: 0.05, 40: 0.05},
        ),
    ],
)
def test_the_learning_rate_at_a_few_steps(changes, expected):
    recipe = Recipe(learning_rate=0.5, batch_size=10, **changes)
    points = rate_points(recipe, TrainingPlan(recipe, 100))
    assert {point.step: point.rate for point in points} == pytest.approx(expected)


def test_the_highest_rate_of_one_cycle_is_shown():
    recipe = Recipe(learning_rate=0.5, batch_size=10, schedule="one_cycle", epochs=10)
    assert max(point.rate for point in rate_points(recipe, TrainingPlan(recipe, 100))) == pytest.approx(0.5, rel=0.01)


@pytest.mark.parametrize("feed", ["streamed", "resident"])
def test_a_run_compiles_for_the_inputs_that_its_plan_compiles_for(feed):
    config, mesh = with_recipe(feed=feed), data_mesh(16)
    inputs = open_feed(DATASET, config.recipe, config.preprocessing, mesh).inputs(0)
    expected = abstract_inputs(config, len(DATASET.train), mesh)
    jax.tree.map(lambda one, other: _check_alike(one, other), inputs, expected)


def _check_alike(array, shape):
    assert (array.shape, array.dtype) == (shape.shape, shape.dtype)
    assert array.sharding.is_equivalent_to(shape.sharding, array.ndim)


@pytest.mark.usefixtures("tiny")
def test_a_dry_run_knows_the_memory_of_the_step_and_writes_nothing(tmp_path, monkeypatch):
    plan = dry_run(prepared(tmp_path / "a" / "run"))
    # Parameters and two moments, batch statistics, step, key; four images of 16x16 on each of four devices.
    state = 3 * 4 * plan.parameters + 2 * 4 * (8 + 16)
    assert state + 4 * (256 + 4) <= plan.memory.arguments < state + 4 * (256 + 4) + 200
    assert plan.memory.temporary > 4 * 4 * 16 * 16 * 8
    assert plan.checkpoint_bytes == plan.copy_bytes == pytest.approx(state, abs=100)
    # Else nothing of the small network would be split.
    monkeypatch.setattr(state_split, "MIN_SPLIT_BYTES", 256)
    split = dry_run(prepared(tmp_path / "a" / "run", fsdp=True))
    assert split.copy_bytes < split.checkpoint_bytes == plan.checkpoint_bytes
    assert split.copy_bytes == pytest.approx(split.state_split.bytes_per_device, abs=10)
    assert plan.macs == 16 * 16 * 9 * 8 + 4 * 4 * 9 * 8 * 16 + 16 * 4
    assert not any(tmp_path.iterdir())


@pytest.mark.usefixtures("tiny")
def test_a_run_prints_its_plan_and_compiles_its_step_once(tmp_path, monkeypatch):
    compiled, original = [], Lowered.compile
    monkeypatch.setattr(Lowered, "compile", lambda self, *a, **k: compiled.append(1) or original(self, *a, **k))
    printed = Printed()
    run(tmp_path / "run", config=with_recipe(epochs=1), printed=printed)
    starts = [line.partition(":")[0] for line in printed.lines]
    assert starts[:3] == ["plan", "learning rate", "checkpoints"]
    assert starts.index("memory per device") < next(i for i, line in enumerate(starts) if "compiled and ran" in line)
    assert len(compiled) == 1


@pytest.mark.usefixtures("tiny")
def test_a_step_that_does_not_fit_is_refused_before_it_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "device_memory", lambda: 10_000)
    with pytest.raises(ZooError, match="--batch-size"):
        run(tmp_path / "run")
    assert not saved_steps(RunFolder(tmp_path / "run")) and not RunFolder(tmp_path / "run").metrics_file.read_text()
    with pytest.raises(ZooError, match="--batch-size"):
        dry_run(prepared(tmp_path / "other"))


def test_the_limit_of_the_memory():
    memory = StepMemory(arguments=10, results=1, temporary=20, code=2)
    check_step_memory(memory, 33)
    check_step_memory(memory, None)
    check_step_memory(None, 1)
    with pytest.raises(ZooError, match=r"33 bytes .* 32 bytes"):
        check_step_memory(memory, 32)


@pytest.mark.usefixtures("tiny")
def test_checkpoints_that_do_not_fit_on_the_disk_are_refused(tmp_path, monkeypatch):
    run = prepared(tmp_path / "run", keep=3)
    plan = make_plan(run, state_shapes(run), dataclasses.replace(POD, disk=1000))
    with pytest.raises(ZooError, match="--run-dir"):
        check_disk(plan)
    check_disk(plan, saved=plan.disk_bytes - 1000)
    check_disk(dataclasses.replace(plan, machine=dataclasses.replace(POD, disk=plan.disk_bytes)))
    assert any("of 1.0 KiB free" in line for line in plan_lines(plan))
    assert free_space(tmp_path / "not" / "yet") > 0
    monkeypatch.setattr(machine.os, "access", lambda path, mode: False)
    assert free_space(tmp_path) == 0


@pytest.mark.usefixtures("tiny")
def test_the_command_prints_a_plan_as_json_alone(tmp_path, capsys):
    path = tmp_path / "run"
    assert main(["train", "--model", "tiny", "--run-dir", str(path), "--dry-run", "--json", "--epochs", "2"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert plan["epochs"] == 2 and plan["machine"]["devices"] == 4 and plan["memory"]["arguments"] > 0
    assert not path.exists()


def test_json_is_that_of_a_dry_run(capsys):
    assert main(["train", "--model", "lenet5", "--json"]) == 2
    assert "--dry-run" in capsys.readouterr().err
