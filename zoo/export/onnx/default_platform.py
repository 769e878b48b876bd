"""Calls of `lax.platform_dependent` in the place of which stands what they compute on any platform."""

from typing import Any

from jax.extend.core import Literal, Var

from zoo.counting.equations import open_jaxpr


def on_default_platform(jaxpr: Any) -> Any:
    """The open jaxpr with the equations of each call's last branch, the default, among its own.

    The branches compute the same, and the last is the plainest. Whether there is a choice may depend on the image size,
    as in convolutions of maps that are smaller than the kernel: without it, traces of different sizes are alike.
    """
    if not any(eqn.params.get("branches_platforms") for eqn in jaxpr.eqns):
        return jaxpr
    eqns: list[Any] = []
    # The value for which a variable stands that only passes one on.
    renamed: dict[Any, Any] = {}
    for eqn in jaxpr.eqns:
        eqn = eqn.replace(invars=[_value_of(renamed, atom) for atom in eqn.invars])
        if eqn.primitive.name == "platform_index":
            continue
        if eqn.params.get("branches_platforms"):
            eqns += _default_equations(eqn, renamed)
        else:
            eqns.append(eqn)
    return jaxpr.replace(eqns=eqns, outvars=[_value_of(renamed, atom) for atom in jaxpr.outvars])


def _default_equations(call: Any, renamed: dict[Any, Any]) -> list[Any]:
    """The equations of the default branch with the variables of the call; adds to `renamed` the call's results."""
    closed = call.params["branches"][-1]
    branch = on_default_platform(open_jaxpr(closed))
    inner = dict(zip(branch.invars, call.invars[1:], strict=True))
    constants = zip(branch.constvars, closed.consts, strict=True)
    inner |= {variable: Literal(value, variable.aval) for variable, value in constants}
    # Calls may share a branch: each has variables of its own.
    inner |= {variable: Var(variable.aval) for eqn in branch.eqns for variable in eqn.outvars}
    renamed |= {out: _value_of(inner, result) for out, result in zip(call.outvars, branch.outvars, strict=True)}
    outer = call.source_info.name_stack
    return [
        eqn.replace(
            invars=[_value_of(inner, atom) for atom in eqn.invars],
            outvars=[_value_of(inner, variable) for variable in eqn.outvars],
            source_info=eqn.source_info.replace(name_stack=outer + eqn.source_info.name_stack),
        )
        for eqn in branch.eqns
    ]


def _value_of(values: dict[Any, Any], atom: Any) -> Any:
    return atom if isinstance(atom, Literal) else values.get(atom, atom)
