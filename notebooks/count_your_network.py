# %% [markdown]
# # Count your own network
#
# You have written a Linen module. How many parameters has it, where are they, what does a forward pass cost, and what
# does each layer see? Nothing of zoo has to be in it.

# %%
import flax.linen as nn
import jax
import matplotlib.pyplot as plt
import numpy as np

import zoo


class Wide(nn.Module):
    """Three convolutions and two dense layers."""

    num_classes: int = 10

    @nn.compact
    def __call__(self, x, *, train=False):
        for index, features in enumerate((32, 64, 128), 1):
            x = nn.relu(nn.Conv(features, (3, 3), name=f"conv{index}")(x))
            x = nn.max_pool(x, (2, 2), (2, 2))
        x = nn.relu(nn.Dense(256, name="hidden")(x.reshape(len(x), -1)))
        x = nn.Dropout(0.5, deterministic=not train)(x)
        return nn.Dense(self.num_classes, name="head")(x)


# %% [markdown]
# ## One table
#
# Nothing is computed for it: the counts are read from the traced program, so it takes as long for a large network.
# Multiply-adds are those of convolutions and matrix products.

# %%
image = (1, 32, 32, 3)
wide = zoo.count.summarize(Wide(), image)
wide

# %% [markdown]
# By hand: `conv2` has 3x3 weights for each of 32 maps and a bias, for 64 filters. `hidden` has a weight for every
# value that it gets.

# %%
print(zoo.count.conv_parameters((16, 16, 32), filters=64, kernel=3), (3 * 3 * 32 + 1) * 64)
print((4 * 4 * 128 + 1) * 256)

# %% [markdown]
# ## Where are the parameters, and where is the work?


# %%
def draw_costs(summary):
    """A bar per layer: its share of the parameters, and of the multiply-adds."""
    rows = [row for row in summary.rows if row.parameters]
    names = [row.path for row in rows]
    parameters = np.array([row.parameters for row in rows]) / summary.parameters
    macs = np.array([row.macs for row in rows]) / summary.macs
    place = np.arange(len(rows))
    plt.barh(place - 0.2, parameters, 0.4, label="parameters")
    plt.barh(place + 0.2, macs, 0.4, label="multiply-adds")
    plt.yticks(place, names)
    plt.gca().invert_yaxis()
    plt.legend()
    plt.show()


draw_costs(wide)

# %% [markdown]
# Nearly all parameters are in one dense layer, and nearly all the work is in two convolutions. So two changes: the
# mean of each map in place of the dense layer, as in Network in Network; and depthwise convolutions followed by 1x1,
# as in MobileNet.


# %%
class Slim(nn.Module):
    """Depthwise separable convolutions, and the mean of each map."""

    num_classes: int = 10

    @nn.compact
    def __call__(self, x, *, train=False):
        x = nn.relu(nn.Conv(32, (3, 3), name="conv1")(x))
        for index, features in enumerate((64, 128), 2):
            x = nn.max_pool(x, (2, 2), (2, 2))
            x = nn.Conv(x.shape[-1], (3, 3), feature_group_count=x.shape[-1], name=f"depthwise{index}")(x)
            x = nn.Conv(features, (1, 1), use_bias=False, name=f"pointwise{index}")(x)
            x = nn.relu(nn.BatchNorm(use_running_average=not train, name=f"bn{index}")(x))
        return nn.Dense(self.num_classes, name="head")(x.mean((1, 2)))


slim = zoo.count.summarize(Slim(), image)
draw_costs(slim)
slim

# %%
print(f"parameters:    {wide.parameters:>10,} -> {slim.parameters:,}")
print(f"multiply-adds: {wide.macs:>10,} -> {slim.macs:,}")

# %% [markdown]
# ## What does it cost in accuracy?
#
# On handwritten digits, with a learning rate that suits each. `zoo.train` takes the class, and the data decides the
# number of classes:

# %%
for network, rate in ((Wide, 1e-3), (Slim, 1e-2)):
    result = zoo.train(network, "digits", {"epochs": 5, "learning_rate": rate}, quiet=True)
    print(f"{network.__name__:5} test accuracy {result.best['test_accuracy']:.3f} after {len(result.history)} epochs")

# %% [markdown]
# ## What does a layer see?
#
# The receptive field of a layer is the part of the image that one of its values depends on. It grows with kernels and
# strides:

# %%
for row in wide.rows:
    if row.path.startswith("conv"):
        print(row.path, "sees", "x".join(map(str, row.receptive_field)), "pixels")

# %% [markdown]
# The formula is checked by the gradient: the pixels that change one value of `conv3` are those in the box, and no
# others. (ReLU and pooling could hide some pixels in one image, so several are taken.)

# %%
model = Wide()
images = jax.random.normal(jax.random.key(0), (64, 32, 32, 3))
variables = model.init(jax.random.key(1), images)


def middle(x):
    return zoo.features(model, variables, x, ["conv3"])["conv3"][:, 4, 4].sum()


seen = np.abs(jax.jit(jax.grad(middle))(images)).max(axis=(0, 3))
top, left, bottom, right = zoo.visualize.receptive_boxes(model, (32, 32, 3), "conv3", np.array([[4, 4]]))[0]
plt.imshow(seen > 0, cmap="gray")
plt.gca().add_patch(plt.Rectangle((left - 0.5, top - 0.5), right - left, bottom - top, fill=False, color="tab:orange"))
plt.title("white: pixels with a gradient; the frame: the computed field")
plt.show()

rows, columns = np.nonzero(seen)
print((rows.min(), columns.min(), rows.max() + 1, columns.max() + 1) == (top, left, bottom, right))

# %% [markdown]
# ## What it does not know
#
# An operation of unknown cost is not counted as zero: a line names it.


# %%
class Fourier(nn.Module):
    @nn.compact
    def __call__(self, x):
        return nn.Dense(10, name="head")(jax.numpy.abs(jax.numpy.fft.fft2(x, axes=(1, 2))).mean((1, 2)))


print(zoo.count.summarize(Fourier(), image))

# %% [markdown]
# The same on the command line is `zoo summary my_nets:Wide --input 32x32x3`, and `zoo report my_nets:Wide` draws it
# as a page. [Counting](../docs/counting.md) has the details; with [your own network](../docs/own_network.md) all
# commands work.
