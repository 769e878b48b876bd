"""The manifests of docs/scaling.md: they are YAML, their numbers fit together, and zoo understands their commands."""

import re
import shlex
from argparse import Namespace

import pytest
import yaml
from documentation.blocks import ROOT

from zoo.commands.command_line import parser
from zoo.training import Recipe
from zoo.training.resolve_config import check_group_size

TEXT = (ROOT / "docs" / "scaling.md").read_text(encoding="utf-8")
MANIFESTS = [yaml.safe_load(block) for block in re.findall(r"^```yaml\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)]
COMMANDS = [
    match.replace("\\\n", " ").replace("$RESUME", "--resume").replace("$JOB_COMPLETION_INDEX", "7")
    for match in re.findall(r"python train\.py (.*?[^\\\n])(?:\"?\n)", TEXT, re.DOTALL)
]


def job_of(manifest):
    return manifest["spec"]["replicatedJobs"][0]["template"]["spec"]


def parsed(command):
    words = shlex.split(command)
    return parser("train").parse_args(["train", *words], Namespace())


def test_every_way_to_start_is_shown():
    assert len(MANIFESTS) == 2 and len(COMMANDS) == 4


@pytest.mark.parametrize("command", COMMANDS)
def test_zoo_understands_the_commands(command):
    args = parsed(command)
    assert args.model == "resnet50" and (args.distributed or args.coordinator)
    check_group_size(Recipe(batch_size=args.batch_size, bn_group=args.bn_group))


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda manifest: manifest["metadata"]["name"])
def test_a_manifest_starts_all_pods_once(manifest):
    job = job_of(manifest)
    assert manifest["kind"] == "JobSet" and job["parallelism"] == job["completions"] and job["backoffLimit"] == 0
    assert manifest["spec"]["failurePolicy"]["maxRestarts"] > 0
    pod = job["template"]["spec"]
    assert pod["restartPolicy"] == "Never" and pod["terminationGracePeriodSeconds"] > 30
    (container,) = pod["containers"]
    assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}
    assert "exec python train.py" in container["command"][-1]


def test_the_first_pod_is_the_coordinator_of_all():
    manifest = MANIFESTS[0]
    job, name = manifest["spec"]["replicatedJobs"][0]["name"], manifest["metadata"]["name"]
    args = next(args for args in map(parsed, COMMANDS) if args.coordinator)
    # JobSet's names: set, job, replica, index of the pod; the set is the domain.
    port = job_of(manifest)["template"]["spec"]["containers"][0]["ports"][0]["containerPort"]
    assert args.coordinator == f"{name}-{job}-0-0.{name}:{port}"
    assert args.processes == job_of(manifest)["completions"]


def test_a_slice_has_the_chips_of_its_topology():
    job = job_of(MANIFESTS[1])
    pod = job["template"]["spec"]
    rows, columns = map(int, pod["nodeSelector"]["cloud.google.com/gke-tpu-topology"].split("x"))
    assert rows * columns == job["completions"] * pod["containers"][0]["resources"]["limits"]["google.com/tpu"]


HLO = """
ENTRY %main (p: f32[64]) -> f32[64] {
  %all-reduce.1 = f32[64]{0} all-reduce(%fusion), channel_id=2, replica_groups=[1,8]<=[8]
  %all-reduce.2 = (f32[1000,512]{1,0}, /*index=1*/f32[1000]{0}) all-reduce(%a, %b), channel_id=3
  %ag = (bf16[8,4]{1,0}, bf16[64,4]{1,0}) all-gather-start(%p), channel_id=4
  %done = bf16[64,4]{1,0} all-gather-done(%ag)
  %rs = f32[16]{0} reduce-scatter(%q), channel_id=5
  ROOT %tuple = (f32[64]{0}) tuple(%all-reduce.1)
}
"""


def test_collectives_are_counted_once_with_the_bytes_of_their_results(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    from program_text import Collective, parse_program

    found = [(one.kind, one.result) for one in parse_program(HLO).collectives]
    assert found == [
        ("all-reduce", 256),
        ("all-reduce", 4 * (512_000 + 1000)),
        ("all-gather", 2 * 256),
        ("reduce-scatter", 64),
    ]
    assert Collective("all-reduce", (800,)).sent(8) == 2 * 700
    assert Collective("all-gather", (800,)).sent(8) == Collective("reduce-scatter", (100,)).sent(8) == 700


def test_the_efficiencies_of_the_page_are_those_of_the_program(monkeypatch, capsys):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    import scaling

    monkeypatch.setattr("sys.argv", ["scaling.py"])
    scaling.main()
    computed = capsys.readouterr().out.splitlines()
    shown = [line for line in TEXT.splitlines() if re.match(r"\| \d+ (H200|TPU v).*%", line)]
    assert len(shown) > 10 and set(shown) <= set(computed)
    # By hand: 128 images of 24.5 GFLOP at 197.8 TFLOP/s, 2 x 7/8 of 102.2 MB at 376 GB/s, 157 times 20 µs.
    arithmetic, gradient = 128 * 24.535e9 / 197.8e12, 1.75 * 102.23e6 / 376e9
    assert scaling.efficiency(arithmetic, gradient, 157, 20e-6) == pytest.approx(
        15.88 / (15.88 + 0.476 + 3.14), rel=1e-3
    )
