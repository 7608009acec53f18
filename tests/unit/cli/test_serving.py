"""What `export`, `serve` and `predict` refuse before they begin."""

import socket

import pytest

from monolith.cli.main import main

EXPORT = ("export", "--checkpoint-path=run", "-o=out")
PREDICT = ("predict", "--model-name=ctr")


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (("export", "-o=out"), "--checkpoint-path: must be given"),
        ((*EXPORT, "-f=saved-model"), "format='saved-model' (from --format): is not written: use native"),
        ((*EXPORT, "-f=torch-script"), "use native, which monolith serve serves, or onnx"),
        ((*EXPORT, "-f=pickle"), "format='pickle' (from --format): must be one of: native, onnx"),
        ((*EXPORT, "--quantize-bits=4"), "quantize_bits=4 (from --quantize-bits): must be one of: 8, 16"),
        ((*EXPORT, "--model-version=-1"), "model_version=-1 (from --model-version): must be >= 0"),
        (("serve",), "--model-path: must be given"),
        (("serve", "-d=x", "--port=65536"), "serve_port=65536 (from --port): must be a port, 0..65535"),
        (("serve", "-d=x", "--discovery-path=f"), "(from its default), --advertise-addr: give an --adv"),
        (("serve", "-d=x", "--model-version=-1"), "model_version=-1 (from --model-version): must be >= 0"),
        (("serve", "-d=x", "--index=-1"), "index=-1 (from --index): must be >= 0"),
        (("predict", "--data=x"), "monolith: --model-name: must be given"),
        (("predict", "--data=x", "--model-name="), "model_name='' (from --model-name): must be given"),
        (PREDICT, "monolith: --data, --input: give one of the two"),
        ((*PREDICT, "--input={"), "--input '{' is not JSON"),
        ((*PREDICT, "--input=@nowhere.json"), "--input '@nowhere.json' cannot be read: No such file"),
        ((*PREDICT, "--input=rows.json"), "(did you mean --input @rows.json?)"),
        ((*PREDICT, "--input=[]"), "--input must be a list of objects"),
        ((*PREDICT, "--input=[1]"), "--input must be a list of objects"),
        ((*PREDICT, "--input=[{}]", "--address=here"), "--address 'here' has no port"),
    ],
)
def test_wrong_use_is_told_in_a_sentence(argv, told, capsys):
    assert main(argv, {}) == 2
    assert told in capsys.readouterr().err


def test_nothing_to_export_is_told(tmp_path, capsys):
    assert main(["export", f"--checkpoint-path={tmp_path}", f"-o={tmp_path}/out"], {}) == 1
    assert "no checkpoint here: train first" in capsys.readouterr().err


def test_nobody_to_ask_is_told(capsys):
    argv = (*PREDICT, "--address=127.0.0.1:1", "--timeout-ms=2000", '--input={"user": 1}')
    assert main(argv, {}) == 1
    assert "127.0.0.1:1: UNAVAILABLE" in capsys.readouterr().err


def test_who_accepts_and_says_nothing_is_told(capsys):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        argv = (f"--address=127.0.0.1:{silent.getsockname()[1]}", "--timeout-ms=300", '--input={"user": 1}')
        assert main([*PREDICT, *argv], {}) == 1
    said = "DEADLINE_EXCEEDED: no answer within 0.3 s; --timeout-ms gives it longer\n"
    assert capsys.readouterr().err.endswith(said)
