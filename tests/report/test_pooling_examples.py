"""The pooling example on the sample image, for images of any size."""

import flax.linen as nn
import numpy as np
import pytest
from sections import Section

from zoo.report import report
from zoo.report.layers.counted_network import count_network
from zoo.report.layers.pooling_examples import sample_image_pooling
from zoo.report.layers.sample_image import make_sample_image


class Pool(nn.Module):
    """One pool."""

    window: tuple[int, int] = (2, 2)
    stride: tuple[int, int] = (2, 2)

    @nn.compact
    def __call__(self, x):
        return nn.max_pool(nn.Dense(1)(x), self.window, self.stride)


def pool_of(height, width, **fields):
    grey = np.arange(height * width, dtype=np.uint8).reshape(height, width)
    return sample_image_pooling(count_network("pool", Pool(**fields), (height, width, 1)), grey)


@pytest.mark.parametrize("size, rows, columns", [((2, 2), "0 to 1", "0 to 1"), ((9, 3), "0 to 5", "0 to 2")])
def test_rows_and_columns_are_those_of_the_image(size, rows, columns):
    pool = pool_of(*size)
    assert f"at rows {rows} and columns {columns};" in pool.about
    assert pool.windows[0][0].maximum == str(size[1] + 1)


@pytest.mark.parametrize("shape", ["1x1x3", "1x9x3"])
def test_a_network_for_images_thinner_than_the_window_has_the_lessons_pool(shape):
    class Mlp(nn.Module):
        @nn.compact
        def __call__(self, x):
            return nn.Dense(4)(x.reshape(len(x), -1))

    page = Section(report(Mlp(), image_shape=tuple(map(int, shape.split("x")))))
    assert "The lesson’s grid" in page.text and "The sample image." not in page.text


def test_a_stride_of_two_sizes_is_written_in_full():
    assert "window 2×2 and stride 2, those" in pool_of(9, 9).about
    assert "window 3×2 and stride 1×2, those" in pool_of(9, 9, window=(3, 2), stride=(1, 2)).about


def test_the_sample_of_a_large_image_is_small_and_of_its_shape():
    shown = make_sample_image((20_000, 10_000, 3), np.full((40, 20, 3), 7, np.uint8))
    assert shown.pixels.shape == (512, 256, 3)
    assert make_sample_image((3, 20_000, 1)).pixels.shape == (1, 512, 1)
    assert make_sample_image((300, 512, 3)).pixels.shape == (300, 512, 3)
    network = count_network("pool", Pool(), (20_000, 10_000, 3))
    assert "the sample image’s pixels, here 512×256, at rows" in sample_image_pooling(network, shown.grey).about
    assert "pixels at rows" in pool_of(9, 9).about
