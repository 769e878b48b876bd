# %% [markdown]
# # The lesson's numbers
#
# [The lesson](../docs/lesson.md) asks for sizes, parameters and multiply-adds. Here each is computed, by the formula
# and by counting a real layer.

# %%
import flax.linen as nn
import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

import zoo

# %% [markdown]
# ## A filter at work
#
# A filter multiplies each value of a patch by a weight and adds the products. This one finds edges from dark (left)
# to bright (right):

# %%
digit = zoo.data.open_dataset("digits").test.images[2, :, :, 0] / 255
weights = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
patches = np.lib.stride_tricks.sliding_window_view(digit, weights.shape)  # [row, column, 3, 3]
response = np.einsum("rcij,ij->rc", patches, weights)

figure, (left, right) = plt.subplots(1, 2, figsize=(7, 3))
left.imshow(digit, cmap="gray")
left.set_title(f"{digit.shape[0]}x{digit.shape[1]} pixels")
shown = right.imshow(response, cmap="RdBu", vmin=-4, vmax=4)
right.set_title(f"{response.shape[0]}x{response.shape[1]} values")
figure.colorbar(shown)
plt.show()

# %% [markdown]
# A convolution of Flax computes the same values. With 3x3 weights and no padding, 8 pixels leave 6 positions:

# %%
conv = nn.Conv(1, (3, 3), padding="VALID", use_bias=False)
output = conv.apply({"params": {"kernel": weights[:, :, None, None]}}, digit[None, :, :, None])
print(output.shape, np.abs(output[0, :, :, 0] - response).max() < 1e-5)

# %% [markdown]
# ## Sizes
#
# 20 filters of 8x8 with stride 2 on a 32x32x3 image. With padding P the output has (32 - 8 + 2P) / 2 + 1 rows,
# rounded down. SAME pads to 32 / 2, and VALID not at all.

# %%
image, layer = (32, 32, 3), {"filters": 20, "kernel": (8, 8), "stride": 2}
for padding in (1, "SAME", "VALID"):
    formula = zoo.count.conv_output_shape(image, **layer, padding=padding)
    computed = jax.eval_shape(
        nn.Conv(20, (8, 8), strides=2, padding=padding).init_with_output, jax.random.key(0), jnp.zeros((1, *image))
    )
    print(f"{padding!s:6} {formula}  {computed[0].shape[1:]}")

# %% [markdown]
# ## Parameters
#
# All positions share one filter. With a filter of its own at each of the 14x14 positions, the layer would have 196
# times as many parameters:

# %%
shared = zoo.count.conv_parameters(image, **layer, padding=1)
separate = zoo.count.conv_parameters(image, **layer, padding=1, shared=False)
print(f"{shared:,} shared, {separate:,} separate: {separate // shared} times")

# %% [markdown]
# ## Pooling
#
# Of each 2x2 window max pooling keeps the largest value, and average pooling the mean. The depth stays.

# %%
maps = jnp.array([[0, 1, 0.5, 10], [2, 2.5, 1, -8], [4, 0, 5, 6], [15, 1, 2, 3]])[None, :, :, None]
print("max ", nn.max_pool(maps, (2, 2), (2, 2)).ravel())
print("mean", nn.avg_pool(maps, (2, 2), (2, 2)).ravel())
print(zoo.count.pool_output_shape((4, 4, 5), window=(2, 2), stride=2))

# %% [markdown]
# ## What a 1x1 convolution saves
#
# A 5x5 convolution from 128 to 64 maps is expensive. Through 32 maps in between it costs a quarter:

# %%
maps = {"kernel": (5, 5), "filters": 64, "padding": "SAME"}
direct = zoo.count.conv_macs((28, 28, 128), **maps)
reduce = zoo.count.conv_macs((28, 28, 128), filters=32, kernel=(1, 1))
after = zoo.count.conv_macs((28, 28, 32), **maps)
print(f"{direct:,} multiply-adds directly, {reduce:,} + {after:,} = {reduce + after:,} through 32 maps")

# %% [markdown]
# ## The Inception module
#
# GoogLeNet's first module, layer by layer. The summary of any Linen module is a table in a notebook:

# %%
module = zoo.layers.Inception(64, 96, 128, 16, 32, 32)
summary = zoo.count.summarize(module, (1, 28, 28, 192))
summary

# %% [markdown]
# The same without the 1x1 convolutions before 3x3 and 5x5 and after the pool:

# %%
naive = zoo.count.summarize(zoo.layers.NaiveInception(64, 128, 32), (1, 28, 28, 192))
print(f"{naive.macs:,} multiply-adds in place of {summary.macs:,}")
print(f"{naive.rows[-1].output_shape[-1]} maps in place of {summary.rows[-1].output_shape[-1]}")

# %% [markdown]
# ## GoogLeNet beside its paper
#
# Table 1 of the paper, row by row, beside what is counted. The notes say what is known of each figure that differs:

# %%
googlenet = zoo.count.summarize(zoo.create_model("googlenet"), (1, 224, 224, 3))
zoo.count.compare_with_paper(googlenet, zoo.count.PAPER_TABLES["googlenet"])

# %% [markdown]
# Where are the parameters, and where is the work? The first layers compute most, since their maps are large; the last
# ones have most parameters, since their maps are deep.

# %%
modules = zoo.count.summarize(zoo.create_model("googlenet"), (1, 224, 224, 3), depth=1)
rows = [row for row in modules.rows if row.parameters]
figure, axes = plt.subplots(1, 2, figsize=(9, 3), sharey=True)
for axis, name in zip(axes, ("parameters", "macs"), strict=True):
    axis.barh([row.path for row in rows], [getattr(row, name) for row in rows])
    axis.set_title("multiply-adds" if name == "macs" else name)
axes[0].invert_yaxis()
plt.show()

# %% [markdown]
# Go on with [your own network](count_your_network.py), or train one and [look inside](train_and_look_inside.py).
