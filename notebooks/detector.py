# %% [markdown]
# # A network in a detector
#
# A classifier says what is in an image, a detector also where. It needs maps at several resolutions: fine ones for
# small objects, coarse ones for large objects. Here a small detector learns to find digits on a page, with a network
# of zoo as its backbone.

# %%
from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import optax
from PIL import Image

import zoo

# %% [markdown]
# ## Pages with digits
#
# Handwritten digits of 16 to 48 pixels on a noisy page of 64x64. A page has up to `MOST` digits; each
# has a box (top, left, bottom, right) and a class, which is -1 where there is no digit.

# %%
SIDE, MOST = 64, 3


def draw_page(rng, source):
    """(uint8 [64, 64, 1], boxes [MOST, 4], classes [MOST])"""
    page = rng.integers(0, 50, (SIDE, SIDE))
    boxes, classes = np.zeros((MOST, 4), np.float32), np.full(MOST, -1)
    covered = np.zeros((SIDE, SIDE), bool)
    for slot in range(rng.integers(1, MOST + 1)):
        size = 8 * rng.choice((2, 3, 4, 6))
        top, left = rng.integers(0, SIDE - size + 1, 2)
        area = np.s_[top : top + size, left : left + size]
        if covered[area].any():
            continue
        index = rng.integers(len(source))
        digit = Image.fromarray(source.images[index, :, :, 0]).resize((size, size), Image.Resampling.BILINEAR)
        page[area] = np.maximum(page[area], np.asarray(digit) * rng.uniform(0.5, 1))
        covered[area] = True
        boxes[slot], classes[slot] = (top, left, top + size, left + size), source.labels[index]
    return page[:, :, None].astype(np.uint8), boxes, classes


def draw_pages(seed, source, count):
    """Many pages, as arrays."""
    rng = np.random.default_rng(seed)
    return tuple(map(np.stack, zip(*(draw_page(rng, source) for _ in range(count)), strict=True)))


digits = zoo.data.open_dataset("digits")
pages, boxes, classes = draw_pages(0, digits.train, 1024)
plt.figure(figsize=(8, 2))
plt.imshow(np.hstack(pages[:6]), cmap="gray")
plt.axis("off")
plt.show()

# %% [markdown]
# ## The backbone
#
# A detector begins with a network that was trained to classify, as its features are needed here too. Usually those are
# ImageNet weights, from `zoo.load_pretrained`. For digits a ResNet-18 with half of its layers and of its channels is
# enough, which learns them in a few seconds:

# %%
SMALL = {"widths": (32, 64, 128, 256), "stem_width": 32, "depths": (1, 1, 1, 1)}
zoo.register(zoo.ModelInfo(name="small_resnet", build=partial(zoo.create_model, "resnet18", **SMALL)))
classifier = zoo.train("small_resnet", digits, {"epochs": 6, "learning_rate": 5e-3}).weights

# %% [markdown]
# `feature_pyramid` makes a module of it whose output is a tuple of maps:

# %%
backbone, pretrained = classifier.feature_pyramid(layers=("conv2_1", "conv3_1", "conv4_1"))
backbone.maps

# %% [markdown]
# ## The detector
#
# A feature pyramid network (FPN, Lin et al. 2017) adds each coarse map, enlarged, to the next finer one, so that fine
# maps know what coarse ones see. One head, the same for all maps, says for each position whether there is an object, of
# which class, and by four numbers how a square around the position, the anchor, must be moved and scaled.


# %%
class Detector(nn.Module):
    """[batch, anchor, 1 + classes + 4] of images: whether there is an object, its class, and the anchor's offsets."""

    backbone: nn.Module
    classes: int = 10
    width: int = 64

    @nn.compact
    def __call__(self, x, *, train=False):
        maps = self.backbone(x, train=train)
        maps = [nn.Conv(self.width, (1, 1), name=f"lateral{i}")(one) for i, one in enumerate(maps)]
        for i in reversed(range(len(maps) - 1)):
            maps[i] += jax.image.resize(maps[i + 1], maps[i].shape, "nearest")
        tower = nn.Conv(self.width, (3, 3), name="tower")
        # At the start nothing is an object, as in nearly all positions: else a large first loss slows Adam for long.
        small, rare = nn.initializers.normal(0.01), lambda key, shape, dtype: jnp.zeros(shape, dtype).at[0].set(-4)
        head = nn.Conv(1 + self.classes + 4, (3, 3), kernel_init=small, bias_init=rare, name="head")
        outputs = [head(nn.relu(tower(one))) for one in maps]
        return jnp.concatenate([one.reshape(len(x), -1, head.features) for one in outputs], axis=1)


def make_anchors(maps):
    """Squares around every position of every map, four strides wide: [anchor, 4]"""
    squares = []
    for one in maps:
        centre = (np.arange(SIDE // one.stride) + 0.5) * one.stride
        row, column = (axis.ravel() for axis in np.meshgrid(centre, centre, indexing="ij"))
        half = 2 * one.stride
        squares.append(np.stack([row - half, column - half, row + half, column + half], -1))
    return np.concatenate(squares).astype(np.float32)


detector, anchors = Detector(backbone), make_anchors(backbone.maps)
zoo.count.summarize(detector, (1, SIDE, SIDE, 1), depth=1)

# %% [markdown]
# ## What it should say
#
# An anchor is responsible for an object if their intersection over union (IoU) is at least 0.5. Anchors between 0.4
# and 0.5 are left out of the loss, and the others should say that there is nothing.


# %%
def iou(a, b):
    """Intersection over union of boxes [..., 4]."""
    size = jnp.clip(jnp.minimum(a[..., 2:], b[..., 2:]) - jnp.maximum(a[..., :2], b[..., :2]), 0)
    shared = size.prod(-1)
    area_a, area_b = ((box[..., 2:] - box[..., :2]).prod(-1) for box in (a, b))
    return shared / jnp.maximum(area_a + area_b - shared, 1e-6)


def encode(box, anchor):
    """A box as an anchor's offsets: the shift of its centre in sides of the anchor, and the logarithms of its scale."""
    side, size = anchor[..., 2:] - anchor[..., :2], jnp.maximum(box[..., 2:] - box[..., :2], 1)
    shift = (box[..., :2] + box[..., 2:] - anchor[..., :2] - anchor[..., 2:]) / 2
    return jnp.concatenate([shift / side, jnp.log(size / side)], -1)


def decode(offset, anchor):
    """The box of `encode`."""
    side = anchor[..., 2:] - anchor[..., :2]
    centre = (anchor[..., :2] + anchor[..., 2:]) / 2 + offset[..., :2] * side
    size = jnp.exp(offset[..., 2:]) * side
    return jnp.concatenate([centre - size / 2, centre + size / 2], -1)


def loss_of_page(outputs, boxes, classes):
    """The loss of "is there an object" for all anchors; of its class and place for those that are responsible."""
    overlap = jnp.where(classes >= 0, iou(anchors[:, None], boxes), 0)  # [anchor, object]
    best, nearest = overlap.max(1), overlap.argmax(1)
    responsible, counted = best >= 0.5, (best >= 0.5) | (best < 0.4)
    is_there = optax.losses.sigmoid_binary_cross_entropy(outputs[:, 0], responsible)
    label = optax.losses.softmax_cross_entropy_with_integer_labels(outputs[:, 1:-4], classes[nearest])
    place = optax.losses.huber_loss(outputs[:, -4:], encode(boxes[nearest], anchors), delta=0.1).sum(1)
    total = jnp.where(counted, is_there, 0) + jnp.where(responsible, label + 4 * place, 0)
    return total.sum() / jnp.maximum(responsible.sum(), 1)


# %% [markdown]
# ## Train
#
# A loop of your own with Optax. Batch norm's statistics are updated beside the parameters.

# %%
STEPS, BATCH = 300, 16
optimizer = optax.adamw(optax.warmup_cosine_decay_schedule(0, 3e-3, 30, STEPS))


normalized = classifier.preprocessing.normalized


@partial(jax.jit, donate_argnums=0, compiler_options=zoo.compiler_options())
def step(state, pages, boxes, classes):
    variables, memory = state

    def loss_of(params):
        outputs, updated = detector.apply(
            {**variables, "params": params}, normalized(pages), train=True, mutable=["batch_stats"]
        )
        return jax.vmap(loss_of_page)(outputs, boxes, classes).mean(), updated

    (loss, updated), gradient = jax.value_and_grad(loss_of, has_aux=True)(variables["params"])
    change, memory = optimizer.update(gradient, memory, variables["params"])
    return ({"params": optax.apply_updates(variables["params"], change), **updated}, memory), loss


variables = jax.jit(detector.init)(jax.random.key(0), normalized(pages[:1]))
variables = {kind: {**variables[kind], "backbone": tree} for kind, tree in pretrained.items()}
state, losses = (variables, optimizer.init(variables["params"])), []
rng = np.random.default_rng(1)
for _ in range(STEPS):
    chosen = rng.integers(0, len(pages), BATCH)
    state, loss = step(state, pages[chosen], boxes[chosen], classes[chosen])
    losses.append(loss)

losses = np.asarray(losses)
plt.figure(figsize=(5, 2.5))
plt.semilogy(losses)
plt.xlabel("step")
plt.ylabel("loss")
plt.show()

# %% [markdown]
# ## Find digits
#
# Of all anchors with a probability above 0.5: the surest one, without those that overlap it (non-maximum
# suppression), then the surest of the rest, and so on.


# %%
@jax.jit
def predict(variables, pages):
    """(probabilities [batch, anchor, class], boxes [batch, anchor, 4])"""
    outputs = detector.apply(variables, normalized(pages))
    is_there, labels = jax.nn.sigmoid(outputs[..., :1]), jax.nn.softmax(outputs[..., 1:-4])
    return is_there * labels, decode(outputs[..., -4:], anchors)


def detections(probabilities, boxes):
    """[(probability, class, box)] of one page."""
    best = probabilities.max(1)
    left, found = list(np.flatnonzero(best > 0.5)), []
    while left:
        first = max(left, key=best.__getitem__)
        found.append((best[first], probabilities[first].argmax(), boxes[first]))
        left = [other for other in left if iou(boxes[other], boxes[first]) < 0.4]
    return found


test_pages, test_boxes, test_classes = draw_pages(2, digits.test, 200)
found = [detections(*map(np.asarray, page)) for page in zip(*predict(state[0], test_pages), strict=True)]

figure, axes = plt.subplots(1, 5, figsize=(11, 2.6))
for axis, page, one in zip(axes, test_pages, found, strict=False):
    axis.imshow(page, cmap="gray")
    for probability, label, (top, left, bottom, right) in one:
        axis.add_patch(plt.Rectangle((left, top), right - left, bottom - top, fill=False, color="tab:orange"))
        axis.text(left, top - 1, f"{label}  {probability:.2f}", color="tab:orange", fontsize=8)
    axis.axis("off")
plt.show()

# %% [markdown]
# ## How good is it?
#
# A detection is right if its class is, and its IoU with that object is at least 0.5. Recall is the share of objects
# that were found, precision the share of detections that are right. No digit of these pages was in training.

# %%
objects = right = 0
for one, boxes_of_page, classes_of_page in zip(found, test_boxes, test_classes, strict=True):
    for box, label in zip(boxes_of_page, classes_of_page, strict=True):
        objects += label >= 0
        right += any(label == said and iou(box, place) >= 0.5 for _, said, place in one)
recall, precision = right / objects, right / sum(map(len, found))
print(f"{objects} digits: recall {recall:.2f}, precision {precision:.2f}")

# %% [markdown]
# [Backbones](../docs/pyramids.md) has more: finer maps for segmentation, frozen stages, the maps of your own network.
