"""A trace of a few steps, by JAX's profiler."""

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

import jax
from rich.console import Console

from zoo.runtime.console import tell


class Profiler:
    """A context manager around a run that traces `steps` of its steps, the first of them `first`, into `folder`.

    `steps` of 0 traces nothing. A run that ends, or is stopped, before the last of them ends the trace there.
    """

    def __init__(self, folder: Path, first: int, steps: int = 10, *, console: Console | None = None) -> None:
        self.folder, self.first, self.steps = folder, first, steps
        self._console = console or Console(quiet=True)
        self._tracing = self._done = False
        self._step = ExitStack()
        self._last = first

    def __enter__(self) -> "Profiler":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None):
        if self._tracing:
            self._stop()
        elif self.steps and not self._done:
            self._say(f"nothing was profiled: the run ended before step {self.first}")

    def before(self, step: int) -> None:
        """Called before each step: begins and ends the trace, and names the step in it."""
        self._step.close()
        if self._tracing and step >= self.first + self.steps:
            self._stop()
        if self.steps and step == self.first:
            self._start()
        if self._tracing:
            self._last = step
            self._step.enter_context(jax.profiler.StepTraceAnnotation("train", step_num=step))

    def _start(self) -> None:
        self._done = True
        try:
            # JAX would find out at the end of the trace only.
            self.folder.mkdir(parents=True, exist_ok=True)
            jax.profiler.start_trace(self.folder)
            self._tracing = True
        except (OSError, RuntimeError) as error:
            self._say(f"cannot profile into {self.folder}: {error}")

    def _stop(self) -> None:
        """A full disk loses the trace, not the run."""
        self._step.close()
        self._tracing = False
        try:
            jax.profiler.stop_trace()
        except (OSError, RuntimeError) as error:
            self._say(f"cannot write the profile in {self.folder}: {error}")
            return
        self._say(
            f"profiled steps {self.first} to {self._last}: pip install xprof, then xprof --logdir {self.folder}; "
            "or open its trace.json.gz at https://ui.perfetto.dev"
        )

    def _say(self, text: str) -> None:
        tell(self._console, text)
