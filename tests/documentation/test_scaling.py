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
