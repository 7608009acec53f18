"""The private pool: TensorFlow's names and numbers, and room for TensorFlow's own stubs beside them."""

from importlib import import_module

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool

from monolith.wire.tf import enum, message, pool

CLIENT = "ovmsclient.tfs_compat.protos"  # TF-Serving's protos under another package name
BOARD = "tensorboard.compat.proto"

THEIRS = {
    "tensorflow.TensorProto": f"{CLIENT}.tensorflow.core.framework.tensor_pb2",
    "tensorflow.TensorShapeProto": f"{CLIENT}.tensorflow.core.framework.tensor_shape_pb2",
    "tensorflow.Example": f"{CLIENT}.tensorflow.core.example.example_pb2",
    "tensorflow.Features": f"{CLIENT}.tensorflow.core.example.feature_pb2",
    "tensorflow.Feature": f"{CLIENT}.tensorflow.core.example.feature_pb2",
    "tensorflow.SignatureDef": f"{CLIENT}.tensorflow.core.protobuf.meta_graph_pb2",
    "tensorflow.TensorInfo": f"{CLIENT}.tensorflow.core.protobuf.meta_graph_pb2",
    "tensorflow.serving.ModelSpec": f"{CLIENT}.tensorflow_serving.apis.model_pb2",
    "tensorflow.serving.PredictRequest": f"{CLIENT}.tensorflow_serving.apis.predict_pb2",
    "tensorflow.serving.PredictResponse": f"{CLIENT}.tensorflow_serving.apis.predict_pb2",
    "tensorflow.serving.GetModelStatusRequest": f"{CLIENT}.tensorflow_serving.apis.get_model_status_pb2",
    "tensorflow.serving.GetModelStatusResponse": f"{CLIENT}.tensorflow_serving.apis.get_model_status_pb2",
    "tensorflow.serving.ModelVersionStatus": f"{CLIENT}.tensorflow_serving.apis.get_model_status_pb2",
    "tensorflow.serving.StatusProto": f"{CLIENT}.tensorflow_serving.util.status_pb2",
    "tensorflow.serving.SignatureDefMap": f"{CLIENT}.tensorflow_serving.apis.get_model_metadata_pb2",
    "tensorflow.serving.GetModelMetadataRequest": f"{CLIENT}.tensorflow_serving.apis.get_model_metadata_pb2",
    "tensorflow.serving.GetModelMetadataResponse": f"{CLIENT}.tensorflow_serving.apis.get_model_metadata_pb2",
    "tensorflow.Event": f"{BOARD}.event_pb2",
    "tensorflow.Summary": f"{BOARD}.summary_pb2",
}


def described(message_class):
    """Every field, nested ones too: (name, number, type, repeated?)."""
    return {
        (field.name, field.number, field.type, field.is_repeated) for field in message_class.DESCRIPTOR.fields
    }


@pytest.mark.parametrize("name", THEIRS)
def test_fields_are_tensorflows_own(name):
    theirs = getattr(import_module(THEIRS[name]), name.rpartition(".")[2])
    assert described(message(name)) <= described(theirs)


@pytest.mark.parametrize(
    ("name", "module", "attribute"),
    [
        ("tensorflow.DataType", "tensorflow.core.framework.types_pb2", "DataType"),
        (
            "tensorflow.serving.ModelVersionStatus.State",
            "tensorflow_serving.apis.get_model_status_pb2",
            "ModelVersionStatus.State",
        ),
        ("tensorflow.error.Code", "tensorflow.core.protobuf.error_codes_pb2", "Code"),
    ],
)
def test_enums_are_tensorflows_own(name, module, attribute):
    theirs = import_module(f"{CLIENT}.{module}")
    for part in attribute.split("."):
        theirs = getattr(theirs, part)
    assert enum(name).items() <= dict(theirs.items()).items()


def test_another_tensorflow_fits_beside_it():
    """TensorFlow's stubs live in the default pool; there, another tensorflow.Event is no conflict."""
    other = descriptor_pb2.FileDescriptorProto(name="tensorflow/core/util/event.proto", package="tensorflow")
    other.message_type.add(name="Event").field.add(name="elsewhere", number=1, type=9, label=1)
    descriptor_pool.Default().AddSerializedFile(other.SerializeToString())

    theirs = descriptor_pool.Default().FindMessageTypeByName("tensorflow.Event")
    ours = message("tensorflow.Event").DESCRIPTOR
    assert [f.name for f in theirs.fields] == ["elsewhere"]
    assert "wall_time" in ours.fields_by_name
    assert ours.file.pool is pool


def test_unknown_message_is_a_key_error():
    with pytest.raises(KeyError, match=r"tensorflow\.NoSuchThing"):
        message("tensorflow.NoSuchThing")


def test_messages_survive_the_wire():
    event = message("tensorflow.Event")(wall_time=1.5, step=7)
    event.summary.value.add(tag="auc", simple_value=0.75)
    assert message("tensorflow.Event").FromString(event.SerializeToString()) == event
