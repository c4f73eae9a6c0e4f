"""The commands `run` and `time` as a shell sees them, with the real engine."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.saved_models import saved

pytest.importorskip("torch")

OUTPUT = {"name", "shape", "dtype", "mean", "std", "min", "max"}
FIT = {"missing", "unexpected", "remarks"}
MODEL = {"model", "device", "dtype", "attention", "weights", "outputs"} | FIT
RESULT = {
    "model",
    "device",
    "dtype",
    "attention",
    "batch",
    "length",
    "weights",
    "cold_s",
    "samples_s",
    "median_s",
    "iqr_s",
    "tokens_per_s",
    "peak_memory_bytes",
    "cpu_s",
}


def call(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "encoder_tui", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        env=one_thread(),
    )


def one_thread() -> dict[str, str]:
    """The environment, with engines that compute in one thread: several wait for each other on a busy machine."""
    return {**os.environ, "OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A tiny BERT and a tiny ModernBERT."""
    folder = tmp_path_factory.mktemp("models")
    return str(saved("bert-cased", folder)), str(saved("modernbert", folder))


def test_run_prints_and_saves_what_comes_out_of_every_model(pair: tuple[str, str], tmp_path: Path) -> None:
    from safetensors import safe_open

    file = tmp_path / "out.safetensors"
    models = ["-m", pair[0], "-m", str(tmp_path / "none"), "-m", pair[1]]
    texts = ["How bread rises.", "A lens in a lighthouse, and the honeybee. " * 20]
    done = call("run", *models, *texts, "--hidden-states", "--save", str(file), "--json")
    assert done.returncode == 1
    bert, missing, modern = json.loads(done.stdout)["models"]
    assert bert.keys() == modern.keys() == MODEL
    assert missing.keys() == {"model", "error"}
    assert (bert["model"], bert["device"], bert["dtype"], bert["weights"]) == (pair[0], "cpu", "float32", "checkpoint")
    assert all(output.keys() == OUTPUT for output in bert["outputs"] + modern["outputs"])
    first = [output["name"] for output in bert["outputs"]]
    assert first == ["last_hidden_state", "pooler_output", *(f"hidden_states.{index}" for index in range(3))]
    assert bert["outputs"][0]["shape"] == [2, 64, 16]
    assert "text 2 has 402 tokens" in done.stderr
    assert "Traceback" not in done.stderr
    with safe_open(file, "pt") as saved_file:
        names = {f"0.{name}" for name in first} | {f"2.{output['name']}" for output in modern["outputs"]}
        assert set(saved_file.keys()) == names
        for output in bert["outputs"]:
            tensor = saved_file.get_tensor(f"0.{output['name']}")
            assert list(tensor.shape) == output["shape"]
            assert tensor.double().mean().item() == pytest.approx(output["mean"], rel=1e-9)
            assert tensor.max().item() == output["max"]
        assert json.loads(saved_file.metadata()["2"])["model"] == pair[1]
    assert {path.name for path in tmp_path.iterdir()} == {"home", "out.safetensors"}


def test_what_is_random_is_marked_in_json_and_in_the_table(pair: tuple[str, str], tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    directory = Path(shutil.copytree(pair[0], tmp_path / "bert"))
    tensors = load_file(directory / "model.safetensors")
    kept = {name: value for name, value in tensors.items() if "pooler" not in name}
    save_file({**kept, "classifier.weight": tensors["pooler.dense.weight"]}, directory / "model.safetensors")
    done = call("run", "-m", str(directory), "How bread rises.", "--json")
    (model,) = json.loads(done.stdout)["models"]
    assert model["missing"] == ["pooler.dense.weight", "pooler.dense.bias"]
    assert model["unexpected"] == ["classifier.weight"]
    assert any("random when BertModel is loaded" in remark for remark in model["remarks"])
    assert [output.get("random", False) for output in model["outputs"]] == [False, True]
    printed = call("run", "-m", str(directory), "How bread rises.")
    assert re.search(r"^ +missing +pooler.dense.weight, pooler.dense.bias$", printed.stdout, re.MULTILINE)
    assert re.search(r"pooler_output .*random: pooler.dense.weight", printed.stdout)
    assert "random when BertModel is loaded" in printed.stderr


def test_the_builtin_pair_is_printed_as_a_table_even_where_it_cannot_be_saved(tmp_path: Path) -> None:
    models = ["-m", "builtin:bert", "-m", "builtin:modernbert"]
    path = tmp_path / f"{'x' * 252}.npz"
    done = call("run", *models, "--attentions", "--save", str(path), stdin="How bread rises.\n")
    assert done.stdout.count("eager attention, random weights") == 2
    assert re.search(r"^ +attentions.21 +1×12×\d+×\d+ +float32 ", done.stdout, re.MULTILINE)
    assert "only eager attention returns attentions, so eager is used" in done.stderr
    assert done.returncode == 1
    assert "cannot be written: File name too long" in done.stderr


def test_time_measures_each_model_at_each_length_it_takes(pair: tuple[str, str]) -> None:
    done = call(*("time", "-m", pair[0], "-m", pair[1], "--lengths", "16,64,65", "--min-time", "0.05", "--json"))
    assert done.returncode == 0
    report = json.loads(done.stdout)
    results = report["results"]
    assert [(one["model"], one["length"]) for one in results] == [
        (model, length) for length in (16, 64, 65) for model in pair
    ]
    assert all(one.keys() == RESULT for one in results[:4])
    for one in results[:4]:
        assert len(one["samples_s"]) >= 5
        assert min(one["samples_s"]) <= one["median_s"] <= max(one["samples_s"])
        assert one["tokens_per_s"] == pytest.approx(one["length"] / one["median_s"])
        assert one["cold_s"] > 0
        assert (one["device"], one["dtype"], one["weights"], one["batch"]) == ("cpu", "float32", "checkpoint", 1)
    assert all("65 tokens are more than the model's limit of 64" in one["skipped"] for one in results[4:])
    assert report["environment"]["versions"]["torch"]
    assert report["environment"]["threads"] >= 1
    assert "16 tokens" in done.stderr


def test_ctrl_c_keeps_what_was_measured(pair: tuple[str, str]) -> None:
    # More lengths than can be measured before the signal arrives, however quick the machine is.
    lengths = ",".join(map(str, range(16, 64)))
    command = [sys.executable, "-m", "encoder_tui", "time", "-m", pair[0], "--lengths", lengths, "--json"]
    process = subprocess.Popen(
        [*command, "--min-time", "0.4"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=one_thread()
    )
    assert process.stderr is not None
    told = ""
    while "17 tokens" not in told:
        line = process.stderr.readline()
        assert line, told
        told += line
    process.send_signal(signal.SIGINT)
    out, rest = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted" in rest
    first, *others = json.loads(out)["results"]
    assert others[-1]["skipped"] == "the measurement was interrupted"
    assert (first["length"], len(first["samples_s"]) >= 5) == (16, True)


def test_a_measurement_of_nothing_is_a_failure(pair: tuple[str, str]) -> None:
    done = call("time", "-m", pair[0], "--lengths", "65", "--json")
    assert done.returncode == 1
    assert "65 tokens are more than the model's limit of 64" in json.loads(done.stdout)["results"][0]["skipped"]
    assert done.stderr.splitlines()[-1] == "encoder-tui: nothing was measured"


@pytest.mark.parametrize("arguments", [["--lengths", "0"], ["--lengths", "a"], ["--batch", "0"], ["--min-time", "-1"]])
def test_wrong_usage_of_time_is_told(arguments: list[str]) -> None:
    done = call("time", *arguments)
    assert done.returncode == 2
    assert arguments[0] in done.stderr


def test_what_numpy_has_no_values_for_is_printed_all_the_same_and_not_saved(
    pair: tuple[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "out.npz"
    done = call("run", "-m", pair[0], "--dtype", "bfloat16", "text", "--save", str(file), "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["models"][0]["dtype"] == "bfloat16"
    assert f"{file} was not written: numpy does not support bfloat16; save as .safetensors" in done.stderr
    assert not file.exists()


def test_a_name_that_tells_of_no_format_is_wrong_usage(tmp_path: Path) -> None:
    done = call("run", "text", "--save", str(tmp_path / "x.txt"))
    assert done.returncode == 2
    assert "x.txt must end in .safetensors or .npz" in done.stderr


def test_a_folder_that_is_not_there_cannot_be_saved_in(tmp_path: Path) -> None:
    done = call("run", "text", "--save", str(tmp_path / "none" / "out.safetensors"))
    assert done.returncode == 2
    assert "does not exist" in done.stderr
