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
