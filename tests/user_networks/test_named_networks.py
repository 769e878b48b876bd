"""module:attribute, registered names and entry points: what is imported, by whom, and what is said where it is not."""

import sys
import warnings
from dataclasses import replace

import jax
import pytest
from command_line import error_of

import zoo
from zoo import registry
from zoo.__main__ import main
from zoo.commands.arguments.network import known_model
from zoo.data import Preprocessing
from zoo.registry import UnknownModel, import_model
from zoo.runtime import network_packages
from zoo.weights import Weights, load, open_pretrained, save
from zoo.weights.named_network import name_and_fields

PREPROCESSING = Preprocessing(image_shape=(8, 8, 3), mean=(0.5,) * 3, std=(0.5,) * 3)


def weights_of(model):
    network = zoo.create_model(model, num_classes=3)
    variables = zoo.init(network, jax.random.key(0), (8, 8, 3))
    return Weights(model=model, variables=variables, preprocessing=PREPROCESSING, fields={"num_classes": 3})


def forget(monkeypatch):
    """As in a new process: nothing of the user is imported or registered."""
    kept = {name: info for name, info in registry._REGISTRY.items() if not info.source}
    monkeypatch.setattr(registry, "_REGISTRY", kept)
    sys.modules.pop("nets", None)


@pytest.fixture
def installed(nets, monkeypatch):
    """Installs a package with one entry point, as pip would."""

    def install(name, value):
        metadata = nets / "site" / "package-1.0.dist-info"
        metadata.mkdir(parents=True)
        (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: package\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text(f"[zoo.models]\n{name} = {value}\n")
        (nets / "nets.py").rename(nets / "site" / "nets.py")
        monkeypatch.syspath_prepend(nets / "site")

    return install


@pytest.mark.parametrize(
    ("reference", "parts"),
    [
        ("nets:Plian", ["nets", "'Plian'", "Plain"]),
        ("nets:registred_net", ["registered_net"]),
        ("nets:lenet5", ["nets", "'lenet5'"]),  # which is zoo's
        ("nets:resnet18", ["'resnet18' is already registered"]),
        ("nest:Plain", ["nest", "did you mean nets"]),
        ("nets:", ["module and attribute"]),
        (":Net", ["module and attribute"]),
        ("my nets:Net", ["module and attribute"]),
        ("folder/nets:Net", ["module and attribute"]),
        ("nets:needs_depth", ["nets:needs_depth", "'depth'", "defaults"]),
        ("flax.linen:Module", ["flax.linen:Module", "class of Linen modules"]),
        ("nets:nn", ["nets:nn", "class of Linen modules"]),
        ("broken:Net", ["cannot import broken", "ZeroDivisionError", "broken.py, line 2"]),
        ("unparsable:Net", ["cannot import unparsable", "SyntaxError"]),
        ("leaves:Net", ["cannot import leaves", "SystemExit"]),
        ("needs:Net", ["cannot import needs", "no_such_library"]),
    ],
)
def test_what_cannot_be_named_is_one_line(nets, reference, parts):
    (nets / "broken.py").write_text("def half(): pass\n1 / 0\n")
    (nets / "unparsable.py").write_text("class Net(:\n")
    (nets / "leaves.py").write_text("import sys\nsys.exit(3)\n")
    (nets / "needs.py").write_text("import no_such_library\n")
    with pytest.raises(zoo.ZooError) as error:
        import_model(reference)
    assert all(part in str(error.value) for part in parts) and "\n" not in str(error.value)


def test_a_function_that_makes_no_network_gets_nothing_from_a_file(nets, monkeypatch):
    monkeypatch.setattr(zoo, "run_command", lambda command="echo": calls.append(command), raising=False)
    calls: list[str] = []
    import_model("zoo:run_command")
    with pytest.raises(zoo.ZooError, match="not a Linen module"):
        zoo.create_model("zoo:run_command", command="rm -rf /")
    assert calls == ["echo"]
    for reference in ("os:system", "shutil:rmtree", "builtins:print", "math:hypot", "subprocess:Popen"):
        with pytest.raises(zoo.ZooError, match=reference):
            zoo.create_model(import_model(reference).name)


def test_a_function_of_something_else(nets):
    import_model("nets:number")
    with pytest.raises(zoo.ZooError, match="not a Linen module"):
        zoo.create_model("nets:number")


def test_the_name_of_a_file_is_understood(nets):
    assert import_model("nets.py:Plain").name == "nets:Plain"
    # The class is an example: nobody has looked into the file.
    with pytest.raises(zoo.ZooError, match=r"nets\.py is named nets:Net, for a class Net"):
        known_model("nets.py")
    with pytest.raises(zoo.ZooError, match=r"nets\.py is named nets:Plain$"):
        known_model("nets.Plain")


def test_the_current_folder_is_last_after_the_import(nets):
    import_model("nets:Plain")
    assert sys.path.index(str(nets)) == len(sys.path) - 1


def test_files_of_strangers_import_nothing(nets, monkeypatch):
    import_model("nets:Plain")
    save("mine.safetensors", weights_of("nets:Plain"))
    forget(monkeypatch)
    with pytest.raises(UnknownModel, match=r"mine.*--model nets:Plain.*in Python import.*runs the code of nets"):
        load("mine.safetensors")
    assert "nets" not in sys.modules
    # Not of another module that is imported either, unless it is a class of networks.
    with pytest.raises(UnknownModel):
        zoo.model_info("os:system")


def test_named_or_imported_it_loads(nets, monkeypatch):
    import_model("nets:Plain")
    save("mine.safetensors", weights_of("nets:Plain"))
    forget(monkeypatch)
    import_model("nets:Plain")
    assert open_pretrained("nets:Plain", "mine.safetensors").model == "nets:Plain"
    forget(monkeypatch)
    import nets as module  # in a script or a notebook

    assert isinstance(load("mine.safetensors").network(), module.Plain)


def test_a_network_that_moved_is_named(nets, monkeypatch):
    import_model("nets:Plain")
    save("mine.safetensors", weights_of("nets:Plain"))
    forget(monkeypatch)
    (nets / "nets.py").rename(nets / "moved.py")
    import_model("moved:Plain")
    with pytest.warns(zoo.errors.ZooWarning, match=r"nets:Plain.*moved:Plain"):
        assert load("mine.safetensors", "moved:Plain").model == "moved:Plain"
    sys.modules.pop("moved")


def test_another_network_is_not_what_was_named(nets):
    import_model("nets:Plain")
    save("mine.safetensors", weights_of("nets:Plain"))
    with pytest.raises(zoo.ZooError, match=r"nets:Plain.*lenet5"):
        open_pretrained("lenet5", "mine.safetensors")


def test_a_registered_name_is_remembered_with_its_source(nets, monkeypatch):
    assert import_model("nets:registered_net").name == "registered_net"
    save("mine.safetensors", weights_of("registered_net"))
    forget(monkeypatch)
    with pytest.raises(UnknownModel, match=r"registered_net.*install.*--model nets:Plain"):
        load("mine.safetensors")
    import_model("nets:Plain")
    assert load("mine.safetensors").model == "registered_net"  # which the module has registered


def test_the_same_network_may_be_registered_again(nets):
    import_model("nets:registered_net")
    import nets as module

    zoo.register(zoo.ModelInfo(name="registered_net", build=module.Plain, channels=1))
    assert zoo.model_info("registered_net").channels == 1
    with pytest.raises(zoo.ZooError, match="already registered"):
        zoo.register(zoo.ModelInfo(name="registered_net", build=module.WithSetup))
    with pytest.raises(zoo.ZooError, match="already registered"):
        zoo.register(zoo.ModelInfo(name="lenet5", build=module.Plain))


def test_an_installed_package(nets, monkeypatch, installed, capsys):
    installed("packaged", "nets:Plain")
    assert "packaged" in zoo.list_models() and "nets" not in sys.modules
    assert zoo.create_model("packaged", num_classes=4).num_classes == 4
    save("mine.safetensors", weights_of("packaged"))
    forget(monkeypatch)
    assert load("mine.safetensors").model == "packaged"
    assert main(["list", "packaged"]) == 0
    assert "nets:Plain" in capsys.readouterr().out


def test_a_broken_package_is_one_line(nets, installed, capsys):
    installed("packaged", "no_such_module:Net")
    with pytest.raises(zoo.ZooError, match=r"packaged.*no_such_module"):
        zoo.create_model("packaged")
    assert main(["list"]) == 0
    output, error = capsys.readouterr()
    assert "lenet5" in output and error.count("\n") == 1 and "no_such_module" in error


def test_no_warning_where_nothing_was_chosen(nets):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        import_model("nets:Plain")
        save("mine.safetensors", weights_of("nets:Plain"))
        assert load("mine.safetensors", "nets:Plain").fields["num_classes"] == 3


def test_a_class_or_a_module_has_a_name_in_python(nets):
    import_model("nets:Plain")
    import nets as module

    assert name_and_fields("lenet5") == ("lenet5", {})
    assert name_and_fields(module.Plain) == ("nets:Plain", {})
    name, fields = name_and_fields(module.Plain(n_classes=3, width=7))
    assert name == "nets:Plain" and fields == {"width": 7, "rate": 0.5, "sizes": (), "norm": "batch"}


def test_what_could_not_be_made_again_has_no_name(nets):
    import_model("nets:Plain")
    import nets as module

    class Local(module.Plain):
        pass

    with pytest.raises(zoo.ZooError, match="field"):
        name_and_fields(module.Plain(n_classes=3, act=jax.nn.tanh))
    with pytest.raises(zoo.ZooError, match="Local"):
        name_and_fields(Local)
    with pytest.raises(zoo.ZooError, match=r"zoo\.list_models"):
        name_and_fields(zoo.create_model("lenet5"))
    with pytest.raises(zoo.ZooError, match="int"):
        name_and_fields(3)


@pytest.mark.parametrize("name", ["", "a/b", "../a", "a b", "a:b", "a\nb", "*", "-a", ".a", None, 3])
def test_names_that_are_refused(nets, name):
    with pytest.raises(zoo.ZooError, match="no name of a network") as error:
        zoo.register(zoo.ModelInfo(name=name, build=lambda: None))
    assert "\n" not in str(error.value)


def test_a_registered_function_without_a_name_is_the_users(nets):
    assert import_model("nets:net-v1.5").source == "nets:net-v1.5"


def test_what_a_module_prints_is_not_the_output_of_a_command(nets, capsys):
    (nets / "loud.py").write_text("from nets import Plain\nprint('printed')\n")
    import_model("loud:Plain")
    assert capsys.readouterr() == ("", "printed\n")
    sys.modules.pop("loud")


def test_a_name_that_means_another_network_now_is_not_taken_for_it(nets, monkeypatch):
    import_model("nets:Plain")
    with pytest.raises(UnknownModel, match=r"mine.safetensors.*not zoo's.*--model theirs:Net"):
        registry.stored_model("resnet18", "theirs:Net", "mine.safetensors")
    with pytest.warns(zoo.errors.ZooWarning, match=r"theirs:Net.*nets:Plain"):
        assert registry.stored_model("registered_net", "theirs:Net", "mine.safetensors") == "registered_net"


def test_the_command_that_is_advised_runs_nothing_else(nets):
    with pytest.raises(UnknownModel, match=r"as in --model 'theirs:Net; touch x', or"):
        registry.stored_model("theirs:Net; touch x", "", "mine.safetensors")


def test_layers_of_another_width_are_not_those_of_other_classes(nets):
    import_model("nets:Plain")
    save("mine.safetensors", replace(weights_of("nets:Plain"), fields={"num_classes": 3, "width": 5}))
    with pytest.raises(zoo.ZooError, match="other widths"):
        load("mine.safetensors")


def test_entry_points_of_one_name(nets, monkeypatch, capsys):
    from importlib.metadata import EntryPoint

    def entry_points(group):
        entries = [
            ("both", "one:Net"),
            ("both", "two:Net"),
            ("vgg16", "one:Vgg"),
            ("$(touch x)", "one:Net"),
            ("odd", "7:8:9"),
        ]
        return [EntryPoint(name, value, group) for name, value in entries]

    monkeypatch.setattr(network_packages, "entry_points", entry_points)
    with pytest.raises(zoo.ZooError, match=r"several packages .* one:Net or two:Net"):
        zoo.model_info("both")
    assert main(["list", "vgg16"]) == 0
    assert "one:Vgg" in capsys.readouterr().err
    assert "names no module" in error_of(capsys, "summary", "odd")
    assert main(["completions", "bash"]) == 0
    assert "touch x" not in capsys.readouterr().out
