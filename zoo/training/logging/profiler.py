"""A trace of a few steps with JAX's profiler."""

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

import jax
from rich.console import Console

from zoo.runtime.console import print_line
from zoo.runtime.system_errors import reason


class Profiler:
    """A context manager around a run that traces `steps` of its steps, from step `first`, into `folder`.

    With 0 steps it traces nothing. The end of the run ends the trace too.
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
            print_line(self._console, f"nothing was profiled: the run ended before step {self.first}")

    def before(self, step: int) -> None:
        """Call this before each step: it starts and ends the trace, and annotates the step in it."""
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
            # JAX would raise only at the end of the trace.
            self.folder.mkdir(parents=True, exist_ok=True)
            jax.profiler.start_trace(self.folder)
            self._tracing = True
        except (OSError, RuntimeError) as error:
            print_line(self._console, f"cannot profile into {self.folder}: {reason(error)}")

    def _stop(self) -> None:
        """End the trace. A full disk loses the trace, but does not stop the run."""
        self._step.close()
        self._tracing = False
        try:
            jax.profiler.stop_trace()
        except (OSError, RuntimeError) as error:
            print_line(self._console, f"cannot write the profile in {self.folder}: {reason(error)}")
            return
        print_line(
            self._console,
            f"profiled steps {self.first} to {self._last}: pip install xprof, then xprof --logdir {self.folder}; "
            "or open its trace.json.gz at https://ui.perfetto.dev",
        )
