# %% [markdown]
# # From torch to JAX to ONNX
#
# A network was trained in torch. It becomes a JAX network with the same outputs, and then a file that runs without
# either.
#
# This needs `pip install torch torchvision onnx onnxruntime`.

# %%
import json

import jax
import matplotlib.pyplot as plt
import numpy as np
import onnxruntime
import torch
import torchvision

import zoo

# %% [markdown]
# ## A network of torch
#
# Yours is trained already. Here a ResNet-18 of torchvision learns digits for an epoch. They are enlarged to 32x32
# pixels with three equal channels.

# %%
digits = zoo.data.open_dataset("digits")


def pixels_of(source):
    """uint8 [n, 32, 32, 3]"""
    return np.kron(source.images, np.ones((1, 4, 4, 3), np.uint8))


def batch_of(pixels):
    """For torch: normalised, and with channels first."""
    return torch.from_numpy((pixels.transpose(0, 3, 1, 2) / 255 - 0.5) / 0.25).float()


torch.manual_seed(0)
network = torchvision.models.resnet18(num_classes=10)
optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3)
images, labels = batch_of(pixels_of(digits.train)), torch.from_numpy(np.asarray(digits.train.labels)).long()
for chosen in torch.randperm(len(images)).split(64):
    loss = torch.nn.functional.cross_entropy(network(images[chosen]), labels[chosen])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
network.eval()

test_pixels, test_labels = pixels_of(digits.test), np.asarray(digits.test.labels)
with torch.no_grad():
    torch_logits = network(batch_of(test_pixels)).numpy()
print(f"test accuracy {(torch_logits.argmax(1) == test_labels).mean():.3f}")

# %% [markdown]
# ## To JAX
#
# The names of the state dict are recognised. One that is missing or left over would be an error.

# %%
model = zoo.create_model("resnet18", num_classes=10)
variables = zoo.weights.from_torch("resnet18", network.state_dict(), model=model)
weights = zoo.weights.Weights(
    model="resnet18",
    fields={"num_classes": 10},
    variables=variables,
    preprocessing=zoo.data.Preprocessing(image_shape=(32, 32, 3), mean=(0.5,) * 3, std=(0.25,) * 3),
    class_names=digits.class_names,
)
weights

# %% [markdown]
# The same logits, up to the rounding of float32:

# %%
logits = np.asarray(jax.jit(model.apply)(variables, weights.preprocess(test_pixels)))
print(f"largest difference {np.abs(logits - torch_logits).max():.1e}, largest logit {np.abs(torch_logits).max():.1f}")
plt.figure(figsize=(3, 3))
plt.plot(torch_logits.ravel(), logits.ravel(), ".", markersize=1)
plt.xlabel("torch")
plt.ylabel("JAX")
plt.show()

# %% [markdown]
# And back, exact to the bit:

# %%
returned = zoo.weights.to_torch("resnet18", variables)
theirs = network.state_dict()
print(all(np.array_equal(returned[key], theirs[key]) for key in theirs if not key.endswith("num_batches_tracked")))

# %% [markdown]
# Now it is a Linen module with variables, and all of JAX and zoo works with it: gradients, `jax.vmap`, more training,
# counts, pictures.

# %%
zoo.count.summarize(model, (1, 32, 32, 3), depth=1)

# %% [markdown]
# ## To ONNX
#
# The file takes pixels as they are, and returns probabilities: scaling, normalisation and softmax are part of it.
# Batch norms are folded into the convolutions. Before it gets its name, the file is compared with the network.

# %%
options = zoo.export.ExportOptions(preprocess="normalize", softmax=True)
written = zoo.export.to_onnx(weights, path="digits.onnx", options=options)
print(written.check)
print(f"{written.path}: {written.path.stat().st_size / 2**20:.1f} MiB")

# %% [markdown]
# What follows needs neither torch, JAX nor zoo:

# %%
session = onnxruntime.InferenceSession("digits.onnx")
names = json.loads(session.get_modelmeta().custom_metadata_map["class_names"])
(probabilities,) = session.run(["probabilities"], {"images": test_pixels})
print("the same answers:", (probabilities.argmax(1) == torch_logits.argmax(1)).all())

figure, axes = plt.subplots(1, 6, figsize=(8, 1.8))
for axis, pixels, one in zip(axes, test_pixels, probabilities, strict=False):
    axis.imshow(pixels)
    axis.set_title(f"{names[one.argmax()]} ({one.max():.2f})")
    axis.axis("off")
plt.show()

# %% [markdown]
# [Serving](../docs/serving.md) runs such a file in a browser, OpenVINO, TensorFlow and LiteRT. [Pretrained
# weights](../docs/pretrained.md) has the other libraries whose names are recognised: timm, Keras, transformers.
