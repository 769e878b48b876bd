"""The registry: names, records, errors."""

import dataclasses

import pytest

import zoo
from zoo.registry import natural_key


def test_list_models_filters_by_glob_in_natural_order():
    names = zoo.list_models("vgg*")
    assert names == ["vgg11", "vgg11_bn", "vgg13", "vgg13_bn", "vgg16", "vgg16_bn", "vgg19", "vgg19_bn"]
    assert sorted(["b10", "b2", "b1"], key=natural_key) == ["b1", "b2", "b10"]
    assert zoo.list_models("nothing*") == []


@pytest.mark.parametrize("name", zoo.list_models())
def test_every_record_is_complete_and_frozen(name):
    info = zoo.model_info(name)
    assert info.title and info.url.startswith("http") and 1989 <= info.year <= 2026
    assert len(info.mean) == len(info.std) == info.channels
    assert info.parameters > 0 and info.macs > 0
    assert zoo.create_model(name).image_shape == (info.input_size, info.input_size, info.channels)
    assert zoo.create_model(name).num_classes == info.num_classes
    with pytest.raises(dataclasses.FrozenInstanceError):
        info.year = 1


def test_an_unknown_name_suggests_similar_names():
    with pytest.raises(zoo.ZooError, match=r"goglenet.*did you mean googlenet"):
        zoo.create_model("goglenet")


def test_an_unknown_field_suggests_similar_fields():
    with pytest.raises(zoo.ZooError, match=r"googlenet.*'num_class'.*did you mean num_classes"):
        zoo.create_model("googlenet", num_class=10)


def test_a_name_can_be_registered_only_once():
    info = zoo.model_info("lenet5")
    with pytest.raises(zoo.ZooError, match="lenet5"):
        zoo.register(info)
