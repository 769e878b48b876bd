"""What of a state is saved: its arrays, by field."""

from typing import Any

import jax

from zoo.training.state import TrainState


def arrays(state: TrainState) -> dict[str, Any]:
    """The arrays of a state that are saved, by field."""
    saved = {
        "step": state.step,
        "key": state.key,
        "params": state.params,
        "batch_stats": state.batch_stats,
        "opt_state": state.opt_state,
    }
    optional = {"average": state.average, "plateau": state.plateau}
    return {**saved, **{name: value for name, value in optional.items() if value}}


def abstract_like(state: TrainState, sharding: Any) -> TrainState:
    """The state's shapes and dtypes, with the shardings of a tree like it."""
    return jax.tree.map(lambda leaf, to: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=to), state, sharding)
