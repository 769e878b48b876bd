"""Traces that Flax's `nn.jit` keeps."""

import uuid


def new_trace_name() -> str:
    """A name for a random stream or a mutable collection that no module has: with it, `nn.jit` traces its module anew.

    Flax keeps traces for as long as the names are the same. What an interceptor has put into a kept trace, or has noted
    while it was made, belongs to the earlier call.
    """
    return f"trace {uuid.uuid4().hex}"
