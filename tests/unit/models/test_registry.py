"""Models by name."""

import subprocess
import sys
from pathlib import Path

import pytest

from monolith.core.errors import MissingExtra, ModelError
from monolith.models.registry import BUILT_IN, check_model, load_model

SOURCE = (
    "from monolith.models.lr import LogisticRegression\nclass Mine(LogisticRegression): pass\nnumber = 1\n"
)


@pytest.fixture(autouse=True)
def _own_path(monkeypatch):
    """Where Python looks: not here, as for the installed command, and no longer where a model was."""
    monkeypatch.setattr(sys, "path", [place for place in sys.path if place])


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(SOURCE)
    return path


@pytest.mark.parametrize("name", BUILT_IN)
def test_built_in_models_know_their_name(name):
    assert load_model(name).name == name


def test_a_class_in_a_file_is_found(file):
    model = load_model(f"{file}:Mine")
    assert model.name == f"{file}:Mine"
    assert load_model(f"{file}:Mine") is model


def test_a_class_in_a_module_is_found():
    assert load_model("monolith.models.fm:Fm").__name__ == "Fm"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        (
            "depfm",
            r"unknown model 'depfm' \(did you mean 'deepfm'\?\): give one of dcn, deepfm, dlrm, fm, lr",
        ),
        ("xyzzy", "unknown model 'xyzzy': give one of"),
        ("nowhere.at_all:Model", "there is no Python module 'nowhere'"),
        ("nowhere.py:Model", "there is no file /.*/nowhere.py"),
        ("{file}:Yours", r"has no 'Yours' \(models there: Mine\)"),
        ("pathlib:Yours", r"has no 'Yours' \(models there: none\)"),
        ("{file}:number", "number is not a MonolithModel"),
        ("pathlib:Path", "Path is not a MonolithModel"),
    ],
)
@pytest.mark.parametrize("ask", [load_model, check_model])
def test_what_is_no_model_is_told(ask, name, sentence, file):
    with pytest.raises(ModelError, match=sentence):
        ask(name.format(file=file))


def test_a_file_imports_what_lies_beside_it(tmp_path):
    (tmp_path / "layers_of_mine.py").write_text(SOURCE)
    (tmp_path / "mine.py").write_text("from layers_of_mine import Mine\n")
    assert load_model(f"{tmp_path}/mine.py:Mine").__module__ == "layers_of_mine"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("mine:Mine", "no Python module 'mine', but a file: give mine.py:Mine"),
        ("deep.mine:Mine", "no Python module 'deep', but a file: give deep/mine.py:Mine"),
        ("lacking:Mine", "no Python module 'lacking', but a file: give lacking.py:Mine"),
        ("lacking.py:Mine", "no Python module 'nowhere'$"),
        ("yours:Mine", "no Python module 'yours'$"),
    ],
)
def test_a_file_that_is_given_as_a_module_is_told(file, monkeypatch, name, sentence):
    monkeypatch.chdir(file.parent)
    Path("lacking.py").write_text("import nowhere\n")
    Path("deep").mkdir()
    Path("deep/mine.py").write_text(SOURCE)
    with pytest.raises(ModelError, match=sentence):
        load_model(name)


def test_a_file_that_fails_is_read_again(tmp_path):
    path = tmp_path / "broken.py"
    path.write_text("raise RuntimeError('as written')")
    with pytest.raises(ModelError, match="cannot be imported: RuntimeError: as written"):
        load_model(f"{path}:Mine")
    path.write_text(SOURCE)
    assert load_model(f"{path}:Mine").__name__ == "Mine"


@pytest.mark.parametrize("ask", [load_model, check_model])
def test_without_pytorch_the_extra_is_told(ask, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "monolith.models.dcn", raising=False)
    with pytest.raises(MissingExtra, match=r"training needs .*pip install 'monolith-recsys\[torch\]'"):
        ask("dcn")


def test_judging_the_name_of_a_model_of_ours_loads_no_pytorch():
    check = "from monolith.models.registry import check_model; check_model('deepfm')"
    code = f"import sys; {check}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
