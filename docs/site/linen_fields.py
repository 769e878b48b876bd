"""An extension of Griffe, which reads the signatures: the fields of a Linen module are the arguments of its class."""

from typing import Any

from griffe import Class, Extension, Function, Parameter, ParameterKind, Parameters


class LinenFields(Extension):
    """Linen makes dataclasses of modules without a decorator that Griffe could see."""

    def on_class_members(self, *, cls: Class, **_: Any) -> None:
        """Give a module the constructor that its fields make."""
        if "nn.Module" not in map(str, cls.bases):
            return
        fields = [
            Parameter(
                name, annotation=field.annotation, kind=ParameterKind.positional_or_keyword, default=str(field.value)
            )
            if field.value
            else Parameter(name, annotation=field.annotation, kind=ParameterKind.positional_or_keyword)
            for name, field in cls.attributes.items()
            if field.annotation is not None
        ]
        self_parameter = Parameter("self", kind=ParameterKind.positional_or_keyword)
        cls.set_member("__init__", Function("__init__", parameters=Parameters(self_parameter, *fields)))
