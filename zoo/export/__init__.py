"""A network as a file for other programs: ONNX and StableHLO, checked against the network before it is put in place.

    weights = zoo.load_pretrained("efficientnet_lite0")
    zoo.export.to_onnx(weights, path="efficientnet_lite0.onnx")
    zoo.export.to_stablehlo(model, variables, "my_net.stablehlo", image_shape=(64, 64, 3))     # a Linen module of yours
    zoo.export.to_int8_onnx(weights, zoo.data.open_dataset("imagenet2012"), "efficientnet_lite0_int8.onnx")

`docs/export.md` has the options, and what a program does with the file.
"""

from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from zoo.export.exported_file import ExportedFile
    from zoo.export.onnx_file import to_onnx
    from zoo.export.options import ExportOptions
    from zoo.export.quantize import QuantizedFile, to_int8_onnx
    from zoo.export.stablehlo import to_stablehlo

__all__ = ["ExportOptions", "ExportedFile", "QuantizedFile", "to_int8_onnx", "to_onnx", "to_stablehlo"]

# Imported when it is used: a command has to answer --help before JAX is imported.
_MODULES = {
    "ExportOptions": "options",
    "ExportedFile": "exported_file",
    "QuantizedFile": "quantize",
    "to_int8_onnx": "quantize",
    "to_onnx": "onnx_file",
    "to_stablehlo": "stablehlo",
}


def __getattr__(name: str) -> "Any":
    if name in _MODULES:
        return getattr(import_module(f"zoo.export.{_MODULES[name]}"), name)
    raise AttributeError(f"module 'zoo.export' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
