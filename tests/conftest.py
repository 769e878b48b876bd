"""For all tests: four simulated devices, programs that compile quickly, a cache of them, shared fixtures."""

import functools
import gc
import http.server
import math
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from medium import function_of, medium_functions
from PIL import Image

# Of JAX, the default first: "cuda,cpu" for tests/gpu, which compares a GPU with the CPU.
PLATFORMS = os.environ.get("ZOO_TESTS_PLATFORMS", "cpu")
# Before JAX starts. Four devices, so that sharding is always exercised.
FLAGS = ["--xla_force_host_platform_device_count=4"]
if PLATFORMS != "cpu":
    # Forms of kernels are not measured first, which takes longer than the tests.
    FLAGS += ["--xla_gpu_autotune_level=0"]
# Most of a test's time is XLA's: without its optimisations a program compiles in a quarter of the time. What users run
# is tested by ZOO_TESTS_OPTIMIZED=1, in CI for the tests that compare bits or forms of an operation, nightly for all.
elif not os.environ.get("ZOO_TESTS_OPTIMIZED"):
    FLAGS += ["--xla_backend_optimization_level=0", "--xla_llvm_disable_expensive_passes=true"]
    # Each worker of pytest has one core: a program that is split to be compiled by several takes longer.
    FLAGS += ["--xla_cpu_parallel_codegen_split_count=1"]
    # Newer versions of XLA do not know it, and end the process at a flag that they do not know.
    if version("jaxlib").startswith("0.10."):
        FLAGS += ["--xla_cpu_use_fusion_emitters=false"]
os.environ["XLA_FLAGS"] = " ".join([*FLAGS, os.environ.get("XLA_FLAGS", "")])
os.environ["JAX_PLATFORMS"] = PLATFORMS

# A job in the background of a script ignores Ctrl-C, one of nohup the end of its terminal, and so do their children:
# tests send both signals to programs that must not.
for number, handler in {signal.SIGINT: signal.default_int_handler, signal.SIGHUP: signal.SIG_DFL}.items():
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, handler)

# Whatever the user has set: without bytecode each program that a test starts would compile all sources again.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# Compiled programs are shared by all processes of a session, and kept for the next.
COMPILED = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "zoo-tests"
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(COMPILED))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")
KEPT_DAYS = 14
# Of one worker.
MAX_RESIDENT_BYTES = 3 * 2**30


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Tests of one network, else of one file, run in one process, where what they share is traced or trained once.

    Pages and notebooks run in processes of their own, each for minutes.
    """
    from xdist.scheduler import LoadScopeScheduling

    import zoo

    networks = set(zoo.list_models())

    class ByNetworkOrFile(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            file, _, test = nodeid.partition("::")
            if file.endswith(("/test_documentation.py", "/test_scripts.py")):
                return nodeid
            first = test.partition("[")[2].rstrip("]").partition("-")[0]
            return first if first in networks else file

    # In the order of the files, which ends with short ones: sorted by the number of tests, the longest would be last.
    config.option.loadscopereorder = False
    return ByNetworkOrFile(config, log)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """The tests that medium.txt names are marked, before pytest selects by marks."""
    medium = medium_functions()
    for item in items:
        if function_of(item.nodeid) in medium:
            item.add_marker(pytest.mark.medium)


def pytest_collection_finish():
    """Tracing makes many objects and little garbage: looking for some among all modules took a tenth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)


def pytest_sessionstart(session):
    """Delete old compiled programs, once per session; those that are still needed are compiled again."""
    if not hasattr(session.config, "workerinput") and COMPILED.is_dir():
        oldest = time.time() - KEPT_DAYS * 24 * 3600
        for file in COMPILED.iterdir():
            if file.stat().st_mtime < oldest:
                file.unlink(missing_ok=True)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config):
    """A worker, which has reported all by now, ends at once: freeing thousands of programs takes ten seconds."""
    if hasattr(config, "workerinput"):
        os._exit(0)


def _call_test(function: Callable, arguments: dict) -> None:
    function(**arguments)


# CPython keeps the frames of calls in pieces of 16 KB, and asks the system for another at each call that passes the end
# of one: a fifth of the time of a deep trace. A function with a large stack gets a piece for it and all that it calls.
_call_test.__code__ = _call_test.__code__.replace(co_stacksize=70_000)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    _call_test(pyfuncitem.obj, {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames})
    return True


def _resident_bytes() -> float:
    """The memory of this process; without Linux's file about it, as much as is too much."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return math.inf


@pytest.fixture(autouse=True)
def forget_what_slow_tests_compiled(request):
    """Hundreds of compiled networks would fill the memory. Tests of one network share its traces until then."""
    yield
    if request.node.get_closest_marker("slow") and _resident_bytes() > MAX_RESIDENT_BYTES:
        import jax

        jax.clear_caches()


@pytest.fixture(autouse=True)
def forget_networks_of_the_test():
    """What a test has registered or imported is not listed in the next one."""
    yield
    from zoo import registry

    for name in [name for name, info in registry._REGISTRY.items() if info.source]:
        del registry._REGISTRY[name]


class ShortRun(NamedTuple):
    """A run of train.py that took seconds, and its data set."""

    folder: Path
    data: Path


@pytest.fixture(scope="session")
def short_run(tmp_path_factory):
    """LeNet-5 after four epochs on a folder of bright squares in one of three corners, odd in size and in colour."""

    from zoo.__main__ import main
    from zoo.training.logging import recorder

    root = tmp_path_factory.mktemp("short_run")
    generator = np.random.default_rng(0)
    for name, (row, column) in {"upper left": (0, 0), "upper right": (0, 12), "lower left": (12, 0)}.items():
        (root / "squares" / name).mkdir(parents=True)
        for index in range(30):
            image = generator.integers(0, 120, (24, 21 + index % 5, 3), np.uint8)
            image[row : row + 9, column : column + 9] += 90
            Image.fromarray(image).save(root / "squares" / name / f"{index}.png")
    arguments = ["--model", "lenet5", "--dataset", str(root / "squares"), "--run-dir", str(root / "run")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZOO_CACHE", str(root / "cache"))
        # Drawing them takes longer than the steps.
        patch.setattr(recorder, "draw_curves", lambda rows, path, title: path.touch())
        assert main(["train", *arguments, "--epochs", "4", "--batch-size", "16", "--learning-rate", "0.003"]) == 0
    return ShortRun(root / "run", root / "squares")


@pytest.fixture(scope="module")
def tiny():
    """The network "tiny" is registered."""
    from tiny import INFO

    from zoo import registry

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(registry._REGISTRY, INFO.name, INFO)
        yield


@pytest.fixture(scope="module")
def chromium_path():
    """The path of the browser. Without one the test is skipped before other fixtures are made; in CI it fails."""
    pytest.importorskip("playwright", reason="no playwright: pip install playwright")
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no browser: apt-get install chromium")
    return path


@pytest.fixture(scope="module")
def chromium(chromium_path):
    """The browser, open for one module: meanwhile nothing else in this thread can run an event loop."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium_path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def opened(chromium, tmp_path_factory):
    """opened(html, width=..., ...) opens a page in a new tab; `page.noise` lists its messages and requests."""
    from playwright.sync_api import Page

    folder = tmp_path_factory.mktemp("pages")

    def open_page(html: str, *, width: int = 1440, **options) -> Page:
        path = folder / f"{abs(hash(html))}.html"
        path.write_text(html, encoding="utf-8")
        page = chromium.new_context(viewport={"width": width, "height": 900}, **options).new_page()
        page.set_default_timeout(5000)
        page.noise = []
        page.on("console", lambda message: page.noise.append(message.text))
        page.on("pageerror", lambda error: page.noise.append(str(error)))
        page.on("request", lambda request: page.noise.append(request.url[:200]))
        page.goto(path.as_uri())
        page.noise = [line for line in page.noise if line != path.as_uri() and not line.startswith("data:")]
        return page

    return open_page


@pytest.fixture
def served():
    """served(folder): its address, at a server of this machine."""
    servers = []

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            """Nothing."""

    def serve(folder):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()
