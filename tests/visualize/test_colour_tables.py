"""The tables of colours are matplotlib's, which sheets take by their names."""

import matplotlib
import numpy as np
import pytest

from zoo.visualize.colour_tables import TABLES, colour_table


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_matplotlib_s(name):
    expected = 255 * np.array(matplotlib.colormaps[name](np.linspace(0, 1, 256)))[:, :3]
    found = colour_table(name).astype(int)
    assert found.shape == (256, 3)
    # Its colours between those that are named are interpolated, within what an eye sees.
    assert np.abs(found - expected).max() < 6
