"""torchvision's networks as contenders: eager, compiled, and compiled with the autotuner."""

import os
from functools import cache
from typing import Any

import numpy as np
from workload import NETWORKS, Contender, Workload

from zoo.weights.import_torchvision import import_torchvision


def torch_eager(workload: Workload, compiling: str = "", channels_last: bool = True) -> Contender:
    """torchvision's network, on a GPU if torch has one, under autocast for bfloat16.

    `compiling` is "" or a key of `COMPILE_OPTIONS`.
    """
    import torch

    use_fast_cuda()
    model = torch_model(workload.network)
    model.load_state_dict({key: torch.as_tensor(np.asarray(value)) for key, value in workload.state.items()})
    without_dropout(model)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    memory_format = torch.channels_last if channels_last else torch.contiguous_format
    model = model.to(device, memory_format=memory_format)
    images = torch.from_numpy(workload.images).permute(0, 3, 1, 2).to(device, memory_format=memory_format)
    labels = torch.from_numpy(workload.labels).long().to(device)
    autocast = torch.autocast(device, torch.bfloat16, enabled=workload.dtype == "bfloat16")
    model.train(workload.training)
    network = torch.compile(model, **compile_options(compiling, device, workload.training)) if compiling else model
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9)

    def step() -> Any:
        optimizer.zero_grad(set_to_none=True)
        with autocast:
            loss = torch.nn.functional.cross_entropy(network(images), labels)
        loss.backward()
        optimizer.step()
        return loss.detach()

    @torch.inference_mode()
    def infer(network: Any = network) -> Any:
        with autocast:
            return network(images)

    def logits() -> np.ndarray:
        # What is measured in inference; in training that would be compiled for nothing else.
        model.eval()
        result = infer(model if workload.training else network).float().cpu().numpy()
        model.train(workload.training)
        return result

    def wait(result: Any) -> Any:
        if device == "cuda":
            torch.cuda.synchronize()
        return result

    return Contender(f"torch.{compiling}" if compiling else "torch", logits, step if workload.training else infer, wait)


def torch_compiled(workload: Workload) -> Contender:
    """`torch_eager` with torch.compile."""
    return torch_eager(workload, compiling="compile")


def torch_autotuned(workload: Workload) -> Contender:
    """`torch_eager` with torch.compile, which measures several forms of each operation: it takes minutes to start."""
    return torch_eager(workload, compiling="max-autotune")


def compile_options(compiling: str, device: str, training: bool) -> dict[str, Any]:
    """The arguments of torch.compile. On a CPU, weights are constants in inference, as torch recommends there."""
    if compiling == "compile":
        return {}
    if device == "cuda":
        return {"mode": "max-autotune"}
    return {"options": {"max_autotune": True, "freezing": not training}}


def use_fast_cuda() -> None:
    """cuDNN's autotuner, and TensorFloat-32 for float32 as in JAX. Without effect on a CPU."""
    import torch

    torch.backends.cudnn.benchmark = True
    torch.set_float32_matmul_precision("high")


def without_dropout(model: Any) -> None:
    """Switch off dropout and stochastic depth."""
    for module in model.modules():
        if type(module).__name__ in ("Dropout", "StochasticDepth"):
            module.p = 0.0


@cache
def torch_model_class(network: str) -> Any:
    """torchvision's function that makes a network."""
    return getattr(import_torchvision().models, NETWORKS[network])


def torch_model(network: str) -> Any:
    """torchvision's module without auxiliary heads, with random weights."""
    heads = {"aux_logits": False, "init_weights": False} if network in ("googlenet_tv", "inception_v3") else {}
    return torch_model_class(network)(weights=None, **heads)


def memory_note() -> str:
    """How JAX and torch share the memory of a GPU in one process, from JAX's environment variables."""
    if os.environ.get("XLA_PYTHON_CLIENT_PREALLOCATE", "").lower() in ("false", "0"):
        return "JAX takes GPU memory as it needs it; torch has the rest"
    share = float(os.environ.get("XLA_PYTHON_CLIENT_MEM_FRACTION", "0.75"))
    return f"JAX has {share:.0%} of the GPU's memory from its start (XLA_PYTHON_CLIENT_MEM_FRACTION), torch the rest"
