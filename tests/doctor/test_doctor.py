"""`zoo doctor`: what is wrong is one line with its remedy and status 1, and nothing that hangs or crashes ends it."""

import json
import os
import time
from collections import namedtuple
from importlib.metadata import EntryPoint

import pytest
from command_line import error_of
from packaging.requirements import Requirement
from weights.server import serving

from zoo.__main__ import main
from zoo.doctor import devices as device_section
from zoo.doctor import examination, machine, packages, storage
from zoo.doctor.probe import DEVICES
from zoo.doctor.probing import Device, Probed, child_environment, probe
from zoo.runtime import network_packages

CPU = Probed((Device("cpu", "cpu", None),))
FAKE_JAX = """
import os, time

class Device:
    platform, device_kind = "gpu", "Fake 100"
    def memory_stats(self):
        return {"bytes_limit": 2**34}

def local_devices():
    START
    return [Device(), Device()]

jit = lambda function: function
device_put = lambda x, device: x
device_get = lambda x: x
"""


@pytest.fixture(autouse=True)
def environment(tmp_path, monkeypatch):
    """Caches of the test, and none of the variables that are looked at."""
    for name in list(os.environ):
        if name.startswith(("ZOO_", "HF_", "XLA_", "JAX_PLATFORMS")):
            monkeypatch.delenv(name)
    for name in ("ZOO_CACHE", "JAX_COMPILATION_CACHE_DIR", "TFDS_DATA_DIR", "MPLCONFIGDIR"):
        monkeypatch.setenv(name, str(tmp_path / name))
    return tmp_path


@pytest.fixture
def modules(tmp_path, monkeypatch):
    """A function that writes a module, which a probe can import."""
    folder = tmp_path / "modules"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    return lambda name, text: (folder / f"{name}.py").write_text(text)


@pytest.fixture
def well(monkeypatch):
    """Nothing is wrong with libraries and devices: they are not tried."""
    monkeypatch.setattr(examination, "probe", lambda *arguments: CPU)
    monkeypatch.setattr(device_section, "DRIVERS", {})


def examined(capsys, *arguments):
    """The exit status, the sections by title, as findings by name, and the problems."""
    status = main(["doctor", "--json", *arguments])
    found = json.loads(capsys.readouterr().out)
    sections = {one["title"]: {line["name"]: line for line in one["findings"]} for one in found["sections"]}
    return status, sections, found["problems"]


def tried(modules, seconds=60.0, start=""):
    modules("jax", FAKE_JAX.replace("START", start or "pass"))
    return probe(["broken", "jax", DEVICES, "broken_too"], seconds, child_environment())


@pytest.mark.usefixtures("well")
def test_all_is_well(capsys):
    status, sections, problems = examined(capsys)
    assert (status, problems) == (0, [])
    assert sections["packages"]["jax"]["value"] and sections["devices"]["cpu"]["value"] == "1 x cpu"
    assert sections["environment variables"]["ZOO_CACHE"]["value"] == os.environ["ZOO_CACHE"]
    assert sections["caches"]["weights"]["value"].startswith("0 bytes, 0 files, ")
    assert sections["weights and data sets"]["download.pytorch.org"]["value"].startswith("97 files")
    assert main(["doctor"]) == 0
    assert capsys.readouterr().out.endswith("\n\nno problems found\n")


@pytest.mark.usefixtures("well")
def test_a_problem_is_a_line_with_its_remedy(capsys, monkeypatch):
    monkeypatch.setenv("ZOO_CASHE", "/data")
    assert main(["doctor"]) == 1
    assert capsys.readouterr().out.splitlines()[-2:] == [
        "1 problem:",
        "  zoo does not read the variable ZOO_CASHE: did you mean ZOO_CACHE?",
    ]


@pytest.mark.usefixtures("well")
def test_secrets_are_not_shown(capsys, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_abc")
    monkeypatch.setenv("HTTPS_PROXY", "http://me:pass@proxy:8080")
    assert main(["doctor"]) == 0
    out = capsys.readouterr().out
    assert "hf_abc" not in out and "pass@" not in out and "HF_TOKEN" in out and "proxy:8080" in out


@pytest.mark.usefixtures("well")
def test_wrong_variables(capsys, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "hub.example.org")
    monkeypatch.setattr(examination, "_xla_flags_error", lambda: "XLA_FLAGS: no such flag")
    monkeypatch.setenv("XLA_FLAGS", "--nonsense")
    status, _, problems = examined(capsys)
    assert status == 1 and len(problems) == 2
    assert problems[0].startswith("HF_ENDPOINT ") and problems[1].startswith("XLA_FLAGS: no such flag")


def test_devices_are_started_in_another_process(modules):
    probed = tried(modules, start="print('noise')")
    assert probed.devices == (Device("gpu", "Fake 100", 2**34),) * 2 and probed.errors.keys() == {
        "broken",
        "broken_too",
    }
    (finding,) = device_section.devices(probed, "").findings
    assert (finding.name, finding.value) == ("gpu", "2 x Fake 100, 16.0 GiB")


@pytest.mark.parametrize(
    ("start", "error"),
    [
        ("raise RuntimeError('no\\n driver')", "RuntimeError: no driver"),
        ("os.write(2, b'F1129 fatal: no driver\\n'); os.abort()", "signal 6 (F1129 fatal: no driver)"),
        ("os._exit(3)", "status 3"),
    ],
)
def test_devices_that_do_not_start(modules, start, error):
    modules("broken", "")
    probed = tried(modules, start=start)
    assert not probed.devices and error in probed.errors[DEVICES]
    (problem,) = device_section.devices(probed, "").problems
    assert error in problem and "JAX_PLATFORMS=cpu" in problem


def test_a_start_that_hangs_is_ended(modules):
    modules("broken", "")
    before = time.monotonic()
    probed = tried(modules, 1.0, "time.sleep(600)")
    assert time.monotonic() - before < 30 and "no answer within 1 s" in probed.errors[DEVICES]


def test_an_import_that_crashes_names_the_library(modules):
    modules("broken", "import os; os.abort()")
    probed = tried(modules)
    assert "signal 6" in probed.errors["broken"] and probed.not_tried == ("jax", DEVICES, "broken_too")
    assert device_section.devices(probed, "").findings[0].value.startswith("not tried")


def test_where_jax_crashes_nothing_imports_it(capsys, monkeypatch):
    monkeypatch.setattr(
        examination, "probe", lambda *arguments: Probed(errors={"jax": "signal 4"}, not_tried=("flax",))
    )
    status, sections, problems = examined(capsys)
    assert status == 1 and "caches" not in sections
    assert any(problem.startswith("jax ") and "signal 4" in problem for problem in problems)


def test_a_network_of_a_package_that_cannot_be_imported(monkeypatch):
    entry = EntryPoint("mynet", "mynets.nets:Net", network_packages.GROUP)
    monkeypatch.setattr(network_packages, "entry_points", lambda group: [entry])
    assert packages.modules_with_networks() == ["mynets.nets"]
    assert not packages.networks({}).problems
    (problem,) = packages.networks({"mynets.nets": "ImportError: no"}).problems
    assert "mynet " in problem and "ImportError: no" in problem


def test_an_entry_point_that_names_no_module(monkeypatch):
    entry = EntryPoint("my\x1bnet", "7:8:9", network_packages.GROUP)
    monkeypatch.setattr(network_packages, "entry_points", lambda group: [entry])
    assert packages.modules_with_networks() == []
    (problem,) = packages.networks({}).problems
    assert "my\\x1bnet" in problem and "names no module" in problem


def test_a_device_that_jax_does_not_use(tmp_path, monkeypatch):
    monkeypatch.setattr(device_section, "DRIVERS", {tmp_path: ("gpu", "a GPU", "pip install it")})
    assert device_section.devices(CPU, "").problems == ("there is a GPU, and JAX computes without it: pip install it",)
    assert not device_section.devices(CPU, "cpu").problems


def test_versions_that_do_not_fit(monkeypatch):
    installed = {"jax": "0.9.0", "flax": "0.12.9", "jaxlib": "0.9.0"}
    monkeypatch.setattr(packages, "installed_version", lambda name: installed.get(name, ""))
    monkeypatch.setattr(
        packages, "required", lambda: tuple(map(Requirement, ("jax>=0.10.2,<0.13", "flax>=0.12.8", "optax")))
    )
    plugin = namedtuple("Plugin", "metadata version")({"Name": "jax-cuda13-plugin"}, "0.10.2")
    monkeypatch.setattr(packages.metadata, "distributions", lambda: [plugin])
    problems = packages.needed_packages({"flax.linen": "ImportError: libc"}).problems
    assert [problem.split()[0] for problem in problems] == ["jax", "flax", "optax", "jax-cuda13-plugin"]
    assert "0.9.0" in problems[0] and ">=0.10.2" in problems[0] and "pip install" in problems[0]
    assert "ImportError: libc" in problems[1] and "not installed" in problems[2] and "jaxlib 0.9.0" in problems[3]


def test_a_file_that_hides_a_library(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "optax.py").touch()
    (tmp_path / "grain").mkdir()
    monkeypatch.syspath_prepend("")
    (problem,) = packages.needed_packages({}).problems
    assert problem.startswith("optax.py is imported in place of optax: rename it")
    monkeypatch.setattr(packages.sys, "path", [folder for folder in packages.sys.path if folder])
    assert not packages.needed_packages({}).problems


def test_optional_packages_say_what_they_allow():
    found = {one.name: one.value for one in packages.optional_packages().findings}
    assert "Hugging Face" in found["huggingface_hub"] and "--tensorboard" in found["tensorboardX"]


def test_a_full_disk_a_read_only_cache_and_little_memory(monkeypatch):
    usage = namedtuple("Usage", "total used free")(2**40, 2**40, 2**20)
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda folder: usage)
    monkeypatch.setattr(machine, "host_memory", lambda: 2**28)
    problems = machine.disk_and_memory().problems
    assert sum("only 1.0 MiB are free" in problem for problem in problems) == 4
    assert any("256.0 MiB of memory" in problem for problem in problems)
    monkeypatch.setattr(machine.os, "access", lambda *arguments: False)
    problems = machine.disk_and_memory().problems
    for name in ("ZOO_CACHE", "JAX_COMPILATION_CACHE_DIR"):
        assert any("not writable" in problem and name in problem for problem in problems)


def test_a_cache_that_is_a_file(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "file" / "cache"))
    assert any(f"{tmp_path / 'file'} is no folder" in problem for problem in machine.disk_and_memory().problems)


def test_no_home_folder(monkeypatch, capsys, well):
    for name in ("HOME", "ZOO_CACHE", "TFDS_DATA_DIR", "MPLCONFIGDIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.path.expanduser", lambda path: path)
    status, sections, problems = examined(capsys)
    assert status == 1 and len(sections) > 5
    assert any("set HOME" in problem for problem in problems)


def test_the_network_is_asked_only_on_request(capsys, monkeypatch, well):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert "network" not in examined(capsys)[1]
    with serving() as site:
        monkeypatch.setattr(storage, "_root", lambda host: site.address)
        status, sections, problems = examined(capsys, "--network")
    assert (status, problems) == (0, []) and len(site.asked) == len(sections["network"]) >= 3
    status, _, problems = examined(capsys, "--network")
    assert status == 1 and len(problems) >= 3 and "does not answer (no connection)" in problems[0]


def test_bad_input_is_one_line(capsys):
    assert "--network" in error_of(capsys, "doctor", "--netwrk")
    assert "--timeout" in error_of(capsys, "doctor", "--timeout", "0")
