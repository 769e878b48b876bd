"""Golden logits: the outputs of the originals for parameters that are a function of their names. Needs no torch."""

import numpy as np
import pytest
from networks.fill import image
from networks.golden import FOLDER, filled_variables, golden_logits
from networks.originals import ORIGINALS
from quick import QUICK_TO_FILL, computed

import zoo
from zoo.runtime.jit_once import jit_once


@pytest.mark.parametrize("name", computed(list(ORIGINALS), QUICK_TO_FILL))
def test_logits_equal_those_of_the_original(name):
    golden = golden_logits(name)
    info, model = zoo.model_info(name), zoo.create_model(name)
    variables = filled_variables(name, model)
    logits = jit_once(model.apply)(variables, image(info.input_size, info.input_size, info.channels))
    error = np.abs(np.asarray(logits) - golden).max() / np.abs(golden).max()
    assert error < 1e-4


@pytest.mark.parametrize("name", ORIGINALS)
def test_every_original_has_a_golden_file(name):
    assert (FOLDER / f"{name}.npz").exists()
