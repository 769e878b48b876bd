# %% [markdown]
# # Train, look inside, explain a mistake
#
# A LeNet-5 learns handwritten digits in a few seconds. Then we look at what it has learned, and find out why it gets
# an image wrong.

# %%
import jax
import matplotlib.pyplot as plt
import numpy as np

import zoo

# %% [markdown]
# ## The data
#
# 1,797 digits of 8x8 pixels, which the package contains. Every fifth of each class is for testing.

# %%
digits = zoo.data.open_dataset("digits")
plt.figure(figsize=(8, 1))
plt.imshow(np.hstack(digits.test.images[:12, :, :, 0]), cmap="gray")
plt.axis("off")
plt.show()
digits

# %% [markdown]
# ## Train

# %%
result = zoo.train("lenet5", digits, {"epochs": 8})
result

# %%
plt.figure(figsize=(5, 2.5))
epochs = [row["epoch"] for row in result.evaluations]
for name in ("loss", "test_loss"):
    plt.plot(epochs, [row[name] for row in result.evaluations], label=name)
plt.xlabel("epoch")
plt.yscale("log")
plt.legend()
plt.show()

# %% [markdown]
# ## Where it is wrong
#
# One row per class, with the class that it is most often mistaken for. All test images count:

# %%
weights = result.weights
evaluation = zoo.evaluate(weights, digits)
evaluation

# %%
confusion = evaluation.confusion.copy()
np.fill_diagonal(confusion, 0)
plt.figure(figsize=(4, 3))
plt.imshow(confusion, cmap="Reds")
plt.xlabel("predicted")
plt.ylabel("true")
plt.xticks(range(10))
plt.yticks(range(10))
plt.colorbar(label="images")
plt.show()

# %% [markdown]
# ## What the layers see
#
# The six filters of the first layer, and what they make of one digit:

# %%
model, variables = weights
images = weights.preprocess(digits.test.images)  # [355, 32, 32, 1], normalised
filters = zoo.visualize.filters(model, variables, "c1")  # [5, 5, 1, 6]
maps = zoo.visualize.activations(model, variables, images[3:4], "c1")  # [1, 28, 28, 6]

figure, rows = plt.subplots(2, 6, figsize=(8, 3))
for unit in range(6):
    rows[0, unit].imshow(filters[:, :, 0, unit], cmap="RdBu")
    rows[1, unit].imshow(maps[0, :, :, unit], cmap="gray")
for axis in rows.flat:
    axis.axis("off")
plt.show()

# %% [markdown]
# In the third layer a unit sees parts. For four units: the nine test images that excite it most, cut to the part that
# it sees. What the nine have in common is what it looks for.

# %%
found = zoo.visualize.top_activations(model, variables, images, "c3", k=9)
rows = []
for unit in range(4):
    strongest = zip(found.images[unit], found.boxes[unit], strict=True)
    patches = [zoo.visualize.patch(images[index], box)[:, :, 0] for index, box in strongest]
    rows.append(np.hstack([np.pad(patch, 1, constant_values=1) for patch in patches]))
plt.figure(figsize=(8, 4))
plt.imshow(np.vstack(rows), cmap="gray")
plt.axis("off")
plt.show()

# %% [markdown]
# ## A mistake
#
# Of all wrong answers, the one that the network is most sure of:

# %%
labels = np.array([digits.test[i]["label"] for i in range(len(digits.test))])
probabilities = jax.nn.softmax(model.apply(variables, images))
answers = np.asarray(probabilities.argmax(axis=1))
sure = np.where(answers == labels, 0, probabilities.max(axis=1))
mistake = int(sure.argmax())
true, answer = int(labels[mistake]), int(answers[mistake])

weights.predict(digits.test.images[mistake : mistake + 1], top=3)

# %% [markdown]
# **Is it a hard image?** Beside it the training images that look most alike to the network: those with the nearest
# values in its last layer before the classes.

# %%
inside = jax.jit(lambda x: zoo.features(model, variables, x, ["f6"])["f6"])
known = inside(weights.preprocess(digits.train.images))
distances = np.linalg.norm(known - inside(images[mistake : mistake + 1]), axis=1)
nearest = distances.argsort()[:7]

figure, axes = plt.subplots(1, 8, figsize=(9, 1.6))
axes[0].imshow(digits.test.images[mistake, :, :, 0], cmap="gray")
axes[0].set_title(f"{true}, said {answer}", color="tab:red")
for axis, index in zip(axes[1:], nearest, strict=True):
    axis.imshow(digits.train.images[index, :, :, 0], cmap="gray")
    axis.set_title(digits.train.labels[index])
for axis in axes:
    axis.axis("off")
plt.show()

# %% [markdown]
# **Which pixels decide?** Integrated gradients say how much each pixel adds to the score of a class: red for it, blue
# against it. And a grey square is moved over the image: where it hides what matters, the probability of the wrong
# answer falls.

# %%
pair = np.stack([images[mistake], images[mistake]])
true_class, said_class = zoo.visualize.integrated_gradients(model, variables, pair, classes=np.array([true, answer]))
hidden = zoo.visualize.occlusion(model, variables, images[mistake], label=answer, size=8, stride=2)

figure, axes = plt.subplots(1, 4, figsize=(10, 2.6))
limit = max(np.abs(true_class).max(), np.abs(said_class).max())
axes[0].imshow(images[mistake], cmap="gray")
axes[0].set_title("image")
for axis, pixels, name in ((axes[1], true_class, f"for {true}, true"), (axes[2], said_class, f"for {answer}, said")):
    axis.imshow(pixels[:, :, 0], cmap="RdBu_r", vmin=-limit, vmax=limit)
    axis.set_title(name)
drawn = axes[3].imshow(hidden.probability, cmap="viridis", vmin=0, vmax=1)
axes[3].set_title(f"probability of {answer}")
figure.colorbar(drawn)
for axis in axes:
    axis.axis("off")
plt.show()

# %% [markdown]
# **Would it change its mind?** The position of the square at which the true class wins most clearly, if there is one:

# %%
other = zoo.visualize.occlusion(model, variables, images[mistake], label=true, size=8, stride=2)
row, column = np.unravel_index(other.probability.argmax(), other.probability.shape)
print(
    f"with the 8x8 square at ({other.tops[row]}, {other.lefts[column]}) hidden: "
    f"{true} has probability {other.probability[row, column]:.2f}, "
    f"{answer} has {hidden.probability[row, column]:.2f}"
)

# %% [markdown]
# ## Does a picture show what was learned?
#
# Such a picture may show edges of the image whatever the network has learned. So compare it with that of a network
# whose weights are random: the two should differ.

# %%
random = zoo.visualize.randomize_weights(model, variables, jax.random.key(0))
figure, axes = plt.subplots(1, 2, figsize=(5, 2.6))
for axis, ours, name in zip(axes, (variables, random), ("trained", "random"), strict=True):
    pixels = zoo.visualize.integrated_gradients(model, ours, images[mistake : mistake + 1], classes=answer)
    axis.imshow(pixels[0, :, :, 0], cmap="RdBu_r")
    axis.set_title(name)
    axis.axis("off")
plt.show()

# %% [markdown]
# [Visualizing CNNs](../docs/visualizing.md) has all methods, and says what they do not show. Next: [a new head on
# your photographs](new_head.py).
