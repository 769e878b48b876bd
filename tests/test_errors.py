"""Errors as a notebook shows them."""

import pytest

import zoo
from zoo.errors import ZooError


def test_a_notebook_shows_the_line_of_the_user_and_the_message():
    with pytest.raises(ZooError) as raised:
        zoo.create_model("lenet")
    # IPython calls it in place of printing the frames.
    line, message = raised.value._render_traceback_()
    assert line.startswith('zoo.create_model("lenet")') and "(line " in line
    assert message.startswith("UnknownModel: unknown model 'lenet'") and "lenet5" in message


def test_an_error_that_was_not_raised_is_its_message():
    assert ZooError("wrong: do this")._render_traceback_() == ["ZooError: wrong: do this"]
