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

import zoo

# %% [markdown]
# ## Pages with digits
#
# Handwritten digits of 16 to 32 pixels, in any colour, on a noisy page of 64x64. A page has up to `MOST` digits; each
# has a box (top, left, bottom, right) and a class, which is -1 where there is no digit.

# %%
SIDE, MOST = 64, 3


def draw_page(rng, source):
    """(uint8 [64, 64, 3], boxes [MOST, 4], classes [MOST])"""
    page = rng.integers(0, 50, (SIDE, SIDE, 3))
    boxes, classes = np.zeros((MOST, 4), np.float32), np.full(MOST, -1)
    covered = np.zeros((SIDE, SIDE), bool)
    for slot in range(rng.integers(1, MOST + 1)):
        size = 8 * rng.integers(2, 5)
        top, left = rng.integers(0, SIDE - size + 1, 2)
        area = np.s_[top : top + size, left : left + size]
        if covered[area].any():
            continue
        index = rng.integers(len(source))
        digit = np.kron(source.images[index, :, :, 0], np.ones((size // 8, size // 8)))
        page[area] = np.maximum(page[area], digit[:, :, None] * rng.uniform(0.4, 1, 3))
        covered[area] = True
        boxes[slot], classes[slot] = (top, left, top + size, left + size), source.labels[index]
    return page.astype(np.uint8), boxes, classes


def draw_pages(seed, source, count):
    """Many pages, as arrays."""
    rng = np.random.default_rng(seed)
    return tuple(map(np.stack, zip(*(draw_page(rng, source) for _ in range(count)), strict=True)))


digits = zoo.data.open_dataset("digits")
pages, boxes, classes = draw_pages(0, digits.train, 1024)
plt.figure(figsize=(8, 2))
plt.imshow(np.hstack(pages[:6]))
plt.axis("off")
plt.show()

# %% [markdown]
# ## The detector
#
# `zoo.feature_pyramid` makes a module of a network whose output is a tuple of maps. A feature pyramid network (FPN,
# Lin et al. 2017) adds each coarse map, enlarged, to the next finer one, so that fine maps know what coarse ones see.
# One head, the same for all maps, gives for each position a score for each class, and four numbers that move a
# square, the anchor, to the object.
#
# The backbone is a ResNet-18 with half of its layers and of its channels, which learns from nothing within seconds.
# With pretrained weights it is `backbone, variables = zoo.load_pretrained(NAME).feature_pyramid()`.

# %%
SMALL = {"widths": (32, 64, 128, 256), "stem_width": 32, "depths": (1, 1, 1, 1)}
backbone = zoo.feature_pyramid("resnet18", layers=("conv2_1", "conv3_1"), **SMALL)
backbone.maps


# %%
class Detector(nn.Module):
    """(scores [batch, anchor, class], offsets [batch, anchor, 4]) of images."""

    backbone: nn.Module
    classes: int = 10
    width: int = 32

    @nn.compact
    def __call__(self, x, *, train=False):
        maps = [
            nn.Conv(self.width, (1, 1), name=f"lateral{i}")(one) for i, one in enumerate(self.backbone(x, train=train))
        ]
        for i in reversed(range(len(maps) - 1)):
            maps[i] += jax.image.resize(maps[i + 1], maps[i].shape, "nearest")
        tower = nn.Conv(self.width, (3, 3), name="tower")
        # At the start every score is about 0.01, as most positions have no object.
        score = nn.Conv(self.classes, (3, 3), bias_init=nn.initializers.constant(-4.6), name="score")
        offset = nn.Conv(4, (3, 3), name="offset")
        hidden = [nn.relu(tower(one)) for one in maps]

        def of_all_maps(head):
            return jnp.concatenate([head(one).reshape(len(x), -1, head.features) for one in hidden], 1)

        return of_all_maps(score), of_all_maps(offset)


def make_anchors(maps):
    """Squares around every position of every map, five strides wide: [anchor, 4]"""
    squares = []
    for one in maps:
        centre = (np.arange(SIDE // one.stride) + 0.5) * one.stride
        row, column = (axis.ravel() for axis in np.meshgrid(centre, centre, indexing="ij"))
        half = 2.5 * one.stride
        squares.append(np.stack([row - half, column - half, row + half, column + half], -1))
    return np.concatenate(squares).astype(np.float32)


detector, anchors = Detector(backbone), make_anchors(backbone.maps)
zoo.count.summarize(detector, (1, SIDE, SIDE, 3), depth=1)

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


def loss_of_page(scores, offsets, boxes, classes):
    """Focal loss of the classes, and Huber loss of the responsible anchors' offsets, per object (Lin et al. 2017)."""
    overlap = jnp.where(classes >= 0, iou(anchors[:, None], boxes), 0)  # [anchor, object]
    best, nearest = overlap.max(1), overlap.argmax(1)
    responsible = best >= 0.5
    wanted = jax.nn.one_hot(jnp.where(responsible, classes[nearest], -1), scores.shape[-1])
    focal = optax.losses.sigmoid_focal_loss(scores, wanted, alpha=0.25).sum(1)
    place = optax.losses.huber_loss(offsets, encode(boxes[nearest], anchors), delta=0.1).sum(1)
    counted = responsible | (best < 0.4)
    return (jnp.where(counted, focal, 0) + jnp.where(responsible, place, 0)).sum() / jnp.maximum(responsible.sum(), 1)


# %% [markdown]
# ## Train
#
# A loop of your own with Optax. Batch norm's statistics are updated beside the parameters.

# %%
STEPS, BATCH = 400, 16
optimizer = optax.adamw(optax.warmup_cosine_decay_schedule(0, 4e-3, 30, STEPS))


def normalized(pages):
    return (pages.astype(jnp.float32) / 255 - 0.2) / 0.25


@partial(jax.jit, donate_argnums=0, compiler_options=zoo.compiler_options())
def step(state, pages, boxes, classes):
    variables, memory = state

    def loss_of(params):
        outputs, updated = detector.apply(
            {**variables, "params": params}, normalized(pages), train=True, mutable=["batch_stats"]
        )
        return jax.vmap(loss_of_page)(*outputs, boxes, classes).mean(), updated

    (loss, updated), gradient = jax.value_and_grad(loss_of, has_aux=True)(variables["params"])
    change, memory = optimizer.update(gradient, memory, variables["params"])
    return ({"params": optax.apply_updates(variables["params"], change), **updated}, memory), loss


variables = jax.jit(detector.init)(jax.random.key(0), normalized(pages[:1]))
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
# Of all anchors with a score above 0.5: the surest one, without those that overlap it (non-maximum suppression), then
# the surest of the rest, and so on.


# %%
@jax.jit
def predict(variables, pages):
    """(probabilities [batch, anchor, class], boxes [batch, anchor, 4])"""
    scores, offsets = detector.apply(variables, normalized(pages))
    return jax.nn.sigmoid(scores), decode(offsets, anchors)


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
    axis.imshow(page)
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
