"""The recipe as a table: all settings, in order, and a star before those that differ from their default."""

import re
from dataclasses import fields

from zoo.training import Recipe
from zoo.training.config.recipe_settings import recipe_settings, recipe_table


def test_a_setting_is_beside_its_default():
    found = {one.name: (one.value, one.default, one.changed) for one in recipe_settings(Recipe(flip=True, epochs=5))}
    assert found["flip"] == ("yes", "no", True) and found["epochs"] == ("5", "20", True)
    assert found["warmup epochs"] == ("1", "1", False) and found["weight decay"] == ("0.0001", "0.0001", False)


def test_the_table_has_every_setting_once_and_fits_a_terminal():
    recipe = Recipe(flip=True, learning_rate=0.1 + 0.2, freeze="conv[12]|inception_3a")
    lines = recipe_table(recipe)
    cells = re.findall(r"([* ]) ([a-z]+(?: [a-z]+)*) {2,}(\S+)", "\n".join(lines))
    assert {name: value for _, name, value in cells} == {one.name: one.value for one in recipe_settings(recipe)}
    assert {name for star, name, _ in cells if star == "*"} == {"flip", "learning rate", "freeze"}
    assert len(cells) == len(fields(Recipe)) and len(lines) in {-(-len(cells) // 3), -(-len(cells) // 2)}
    assert max(map(len, recipe_table(Recipe()))) <= 80
