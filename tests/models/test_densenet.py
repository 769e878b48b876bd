"""DenseNet on small images."""

import jax

import zoo
from zoo.models.variables import init_shapes


def test_small_images_keep_their_size_in_the_first_block():
    model = zoo.create_model("densenet121", small_images=True, image_shape=(32, 32, 3), num_classes=10)
    variables = init_shapes(model)
    assert set(variables["params"]["conv1"]) == {"kernel"} and variables["params"]["conv1"]["kernel"].shape[0] == 3
    x = jax.ShapeDtypeStruct((1, 32, 32, 3), "float32")
    stages = zoo.model_info("densenet121").stages[1:]
    found = jax.eval_shape(lambda variables, x: zoo.features(model, variables, x, stages), variables, x)
    assert [found[stage].shape[1] for stage in stages] == [32, 16, 8, 4]


def test_the_plain_densenet_of_the_paper():
    """Huang et al. 2016, Table 2: 1.0 million parameters, without bottlenecks and compression."""
    model = zoo.create_model("densenet_40_12", stem_width=16, compression=1.0)
    channels, parameters = 16, 27 * 16
    for block in range(3):
        for _ in range(12):
            parameters += 2 * channels + 9 * channels * 12
            channels += 12
        parameters += 2 * channels + channels**2 * (block < 2)
    assert zoo.count.summarize(model, (1, 32, 32, 3)).parameters == parameters + 10 * channels + 10
