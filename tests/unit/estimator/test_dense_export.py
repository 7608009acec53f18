"""The dense part becomes a version of its own while training goes on, and training does not notice."""

from pathlib import Path

import attrs
import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import numpy_helper

from monolith.core.errors import ModelError, ServingError
from monolith.estimator import dense_export
from monolith.estimator.around import Around
from monolith.estimator.dense import module_tensors
from monolith.estimator.dense_export import DenseExport, Graph, Schedule, versions
from monolith.estimator.exporter import ExportOptions, Trained, export
from monolith.estimator.onnx_graph import dense_graph
from monolith.estimator.session import TrainingSession
from monolith.estimator.trainer import assemble
from monolith.models.deepfm import DeepFm
from monolith.ps.blocking import BlockingClient
from monolith.ps.shard import LocalShard
from monolith.serving.manifest import read_manifest
from monolith.table.rows import TableRows
from tests.unit.estimator.test_exporter import quick_graph  # noqa: F401


class Small(DeepFm):
    hidden = (8,)

    def module(self, columns, schema):
        module = super().module(columns, schema)
        module.deep.insert(1, torch.nn.BatchNorm1d(8))
        module.deep.insert(2, torch.nn.Dropout(0.2))
        return module


@pytest.fixture
def parts(dataset):
    return assemble(Small(), dataset.schema)


class Watched:
    """An export whose clock stands at `now`, and what it said."""

    def __init__(self, folder, keep=3):
        self.now, self.said, self.folder = 0.0, [], folder
        self.export = DenseExport(
            folder, Schedule(every_s=60, keep=keep), say=self.said.append, clock=lambda: 5.0,
            timer=lambda: self.now,
        )  # fmt: skip

    def offer(self, step, parts, at=None, *, last=False):
        self.now = self.now + 60 if at is None else at
        self.export.offer(step, parts, last=last)
        return sorted(versions(self.folder))


@pytest.fixture
def watched(tmp_path, monkeypatch):
    quick(monkeypatch)
    return Watched(tmp_path / "out")


def quick(monkeypatch):
    class Still:
        def __init__(self, parts):
            pass

        def of(self, tensors):
            return b"graph"

    monkeypatch.setattr(dense_export, "Graph", Still)


def write_base(parts, folder, version, **more):
    """A version with embeddings, of which there are none."""

    def rows(name):
        nobody = np.empty(0, np.int64)
        return TableRows(nobody, np.empty((0, parts.tables[name].config.dim), np.float32), np.empty((0, 0)))

    trained = Trained(step=version, rows=rows, dense=module_tensors(parts.module))
    return export(parts, trained, folder, ExportOptions(version=version, **more))


def test_one_is_written_when_it_is_due(watched, parts):
    assert watched.offer(10, parts, at=59) == []
    assert watched.offer(20, parts, at=60) == [20]
    assert watched.offer(30, parts, at=119) == [20]
    assert watched.offer(40, parts, at=120) == [20, 40]
    manifest = read_manifest(watched.folder / "40")
    assert (manifest.step, manifest.as_of_ms, manifest.dense_only) == (40, 5000, True)


def test_the_last_is_written_unless_it_stands_there(watched, parts):
    assert watched.offer(10, parts, at=1, last=True) == [10]
    assert watched.offer(10, parts, at=100, last=True) == [10]


def test_numbers_rise_above_all_that_are_there(watched, parts):
    write_base(parts, watched.folder, 500, signature="mine")
    assert watched.offer(20, parts) == [500, 501]
    assert watched.offer(30, parts) == [500, 501, 502]
    assert read_manifest(watched.folder / "502").signature == "mine"


def test_a_job_that_goes_on_from_before_is_newer_all_the_same(watched, parts):
    watched.offer(20, parts)
    assert Watched(watched.folder).offer(15, parts) == [20, 21]


def test_old_ones_leave_and_bases_stay(watched, parts):
    write_base(parts, watched.folder, 1)
    for step in range(2, 9):
        watched.offer(step, parts)
    assert sorted(versions(watched.folder)) == [1, 6, 7, 8]
    assert [p.name for p in watched.folder.iterdir() if p.name.startswith(".")] == []


@pytest.mark.parametrize("left", [".7.gone", ".7.dense"])
def test_what_was_killed_leaves_nothing(watched, parts, left):
    (watched.folder / left / "deep").mkdir(parents=True)
    watched.offer(2, parts)
    assert [p.name for p in watched.folder.iterdir()] == ["2"]


def test_the_end_of_another_export_is_not_ours(watched, parts):
    (watched.folder / ".7.part").mkdir(parents=True)  # a version with embeddings, on its way
    watched.offer(2, parts)
    assert sorted(p.name for p in watched.folder.iterdir()) == [".7.part", "2"]


def test_one_that_cannot_be_removed_keeps_no_other(watched, parts, monkeypatch):
    rename = Path.rename

    def refuse(path, target):
        if path.name == "2":
            raise PermissionError(1, "Operation not permitted", str(path))
        return rename(path, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", refuse)
        for step in range(1, 8):
            watched.offer(step, parts)
        assert watched.offer(7, parts, last=True) == [2, 5, 6, 7]
    assert len(watched.said) == 1
    assert "old versions of the dense part stay" in watched.said[0]
    assert watched.offer(8, parts) == [6, 7, 8]


def test_what_is_left_may_not_be_listed(watched, parts, monkeypatch):
    def refuse(path, pattern):
        raise OSError(5, "Input/output error", str(path))

    with monkeypatch.context() as patched:
        patched.setattr(Path, "glob", refuse)
        for step in range(1, 6):
            assert step in watched.offer(step, parts)
    assert len(watched.said) == 1
    assert "old versions of the dense part stay, until they can be removed: [Errno 5]" in watched.said[0]
    assert watched.offer(6, parts) == [4, 5, 6]
    assert [p for p in watched.folder.iterdir() if p.name.startswith(".")] == []


def test_a_base_takes_the_place_of_a_version_without_embeddings(watched, parts):
    watched.offer(20, parts)
    assert not write_base(parts, watched.folder, 20).dense_only
    with pytest.raises(ServingError, match="exists: give --overwrite"):
        write_base(parts, watched.folder, 20)


def test_what_goes_wrong_is_told_once_and_tried_again(watched, parts):
    watched.folder.write_text("a file")
    for step in (1, 2, 3):
        watched.now += 60
        watched.export.offer(step, parts, last=False)
    assert len(watched.said) == 1
    assert "the dense part is not exported" in watched.said[0]
    watched.folder.unlink()
    assert watched.offer(4, parts) == [4]


def test_a_model_that_is_no_graph_ends_nothing(tmp_path, parts, monkeypatch):
    def refuse(*_args, **_more):
        raise ModelError("it branches on its input")

    monkeypatch.setattr(dense_export, "dense_graph", refuse)
    watched = Watched(tmp_path / "out")
    assert watched.offer(1, parts) == []
    assert "it branches on its input" in watched.said[0]


def checkpoint(dataset, config, folder, exporting, model=Small):
    with BlockingClient.local([LocalShard(0)]) as client:
        around = Around(dense_export=exporting)
        settings = attrs.evolve(config, model_dir=folder, train_steps=6, save_steps=2)
        TrainingSession(model(), dataset, client, settings, around=around).run()
    return {p.name: p.read_bytes() for p in (folder / "checkpoint-6").iterdir()}


def test_training_does_not_notice(dataset, config, tmp_path):
    out = tmp_path / "out"
    exporting = DenseExport(out, Schedule(every_s=1e-9), say=pytest.fail)
    with_it = checkpoint(dataset, config, tmp_path / "one", exporting)
    assert with_it == checkpoint(dataset, config, tmp_path / "two", None)
    assert sorted(versions(out)) == [2, 4, 6]


class Uncopied(Small):
    """Its module keeps a tensor that was computed, which PyTorch does not copy."""

    def model_fn(self, module, features, mode):
        spec = super().model_fn(module, features, mode)
        module.last = spec.pred
        return spec


def test_a_model_that_cannot_be_copied_ends_nothing(dataset, config, tmp_path):
    said = []
    exporting = DenseExport(tmp_path / "out", Schedule(every_s=1e-9), say=said.append)
    assert checkpoint(dataset, config, tmp_path / "model", exporting, Uncopied)
    assert len(said) == 1
    assert "deepcopy" in said[0]


def test_what_is_exported_is_saved_already(dataset, config, tmp_path):
    offered = []

    class Watching:
        def offer(self, step, parts, *, last):
            offered.append((step, last, (tmp_path / f"checkpoint-{step}.json").exists()))

    checkpoint(dataset, config, tmp_path, Watching())
    assert offered == [(2, False, True), (4, False, True), (6, True, True)]


def predicted(graph, parts):
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    random = np.random.default_rng(0)
    shapes = {i.name: [3 if isinstance(d, str) else d for d in i.shape] for i in session.get_inputs()}
    inputs = {name: random.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    return session.run(None, inputs)[0]


def test_new_numbers_in_a_graph_make_the_graph_of_these_numbers(parts):
    graph = Graph(parts)
    with torch.no_grad():
        for tensor in parts.module.state_dict().values():
            if tensor.is_floating_point():
                tensor.add_(torch.rand_like(tensor))
    anew, exchanged = dense_graph(parts, optimize=False), graph.of(module_tensors(parts.module))
    np.testing.assert_array_equal(predicted(exchanged, parts), predicted(anew, parts))
    held = {i.name: numpy_helper.to_array(i) for i in onnx.load_from_string(exchanged).graph.initializer}
    for name, value in parts.module.named_parameters():
        np.testing.assert_array_equal(held[f"module.{name}"], value.detach().numpy())
