"""Cells, vectors, masks and files of outputs, equal to what transformers, torch and numpy make of the same."""

from __future__ import annotations

import io
import json
import math
from pathlib import Path

import pytest

from encoder_tui.core.files import npz
from encoder_tui.core.files.safetensors_writer import SavedTensor
from encoder_tui.core.models.architectures import reach_of
from encoder_tui.core.models.placement import Placement, source_of
from encoder_tui.core.outputs.runs import OutputFacts
from encoder_tui.core.outputs.slices import Window, pairs_out_of_sight, shape_short, shape_words
from encoder_tui.core.report.reproduce import RunToReproduce, run_snippet
from encoder_tui.core.tasks.masked import why_no_predictions, with_mask
from encoder_tui.core.tasks.pooling import builtin_triplets, cosine, cut, norm, ways, windows
from encoder_tui.core.text.numbers import statistic
from encoder_tui.engine.job import OperationError
from encoder_tui.protocol.outputs import LookRequest
from encoder_tui.protocol.tasks import MaskedRequest, VectorsRequest
from tests.support.saved_models import directly, files_of, run, saved, silent, tokenizer_of, with_head

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.usefixtures("unloaded")

TEXT = "How bread rises, and the dance of the honeybee."


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved("bert-cased", tmp_path_factory.mktemp("bert"))


def look(name: str, window: Window, leading: list[int], how: str = "mean") -> torch.Tensor:
    from encoder_tui.engine.operations import look as task

    cells = task.run(LookRequest(0, name, leading, window, how), silent())
    return torch.tensor(list(cells.values())).view(cells.shape)


def test_cells_of_one_value_are_the_values_to_the_last_bit(bert: Path) -> None:
    run(bert, texts=[TEXT])
    wanted = directly(bert, [TEXT]).last_hidden_state[0]
    assert torch.equal(look("last_hidden_state", Window(0, 0, 1, 1, 1000, 1000), [0]), wanted)
    assert torch.equal(look("last_hidden_state", Window(2, 5, 1, 1, 3, 4), [0]), wanted[2:5, 5:9])


def test_cells_of_many_values_are_their_means_and_those_at_the_edge_have_fewer(bert: Path) -> None:
    run(bert, texts=[TEXT])
    values = directly(bert, [TEXT]).last_hidden_state[0]
    cells = look("last_hidden_state", Window(0, 0, 2, 3, 100, 100), [0])
    assert cells.shape == (math.ceil(values.shape[0] / 2), math.ceil(values.shape[1] / 3))
    for y, x in [(0, 0), (1, 2), (cells.shape[0] - 1, cells.shape[1] - 1)]:
        wanted = values[2 * y : 2 * y + 2, 3 * x : 3 * x + 3].double().mean()
        assert cells[y, x].item() == pytest.approx(wanted.item(), rel=1e-6)


def test_pooling_in_bands_gives_the_same_cells(bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from encoder_tui.engine.operations import look as task

    run(bert, texts=[TEXT])
    window = Window(1, 0, 2, 3, 100, 100)
    at_once = look("last_hidden_state", window, [0])
    monkeypatch.setattr(task, "AT_ONCE", 1)
    assert torch.equal(look("last_hidden_state", window, [0]), at_once)


def test_norms_are_those_of_the_rows(bert: Path) -> None:
    run(bert, texts=[TEXT])
    values = directly(bert, [TEXT]).last_hidden_state[0]
    norms = look("last_hidden_state", Window(0, 0, 1, 1, *values.shape), [0], "norm")
    assert torch.allclose(norms[:, 0], values.norm(dim=1))


@pytest.mark.parametrize(
    ("name", "leading"), [("last_hidden_state", []), ("last_hidden_state", [3]), ("pooler_output", [0]), ("no", [0])]
)
def test_what_is_not_there_cannot_be_looked_at(bert: Path, name: str, leading: list[int]) -> None:
    run(bert, texts=[TEXT])
    with pytest.raises(OperationError, match=name):
        look(name, Window(0, 0, 1, 1, 2, 2), leading)


def test_a_window_of_attention_is_zero_exactly_out_of_a_local_layers_sight(tmp_path: Path) -> None:
    directory = saved("modernbert", tmp_path)
    config = json.loads((directory / "config.json").read_text("utf-8"))
    (directory / "config.json").write_text(json.dumps({**config, "local_attention": 16}), "utf-8")
    run(directory, texts=[TEXT * 5], attentions=True)
    config = files_of(directory).config
    layers = [reach_of(config, layer) for layer in range(config["num_hidden_layers"])]
    assert layers[0] is None
    reach = layers[1]
    assert reach is not None
    values = look("attentions.1", Window(0, 0, 1, 1, 1000, 1000), [0, 0])
    tokens = values.shape[0]
    distances = (torch.arange(tokens)[:, None] - torch.arange(tokens)).abs()
    assert torch.equal(values == 0, distances > reach)
    assert pairs_out_of_sight(tokens, reach) == int((values == 0).sum()) > 0


# Vectors


def vectors(directory: Path, text: str, size: int | None = None) -> dict[str, list[float]]:
    from encoder_tui.engine.operations import vectors as task

    tokenizer = tokenizer_of(directory)
    given = cut(tokenizer, text, None) if size is None else windows(tokenizer, text, size, 4)
    answer = task.run(VectorsRequest(source_of(files_of(directory)), Placement(), given.batch), silent())
    return {pooling: list(answer.vector(pooling) or []) for pooling in answer.vectors}


def test_poolings_are_those_of_the_last_hidden_states(bert: Path) -> None:
    output = directly(bert, [TEXT])
    states = output.last_hidden_state[0]
    found = vectors(bert, TEXT)
    wanted = {"mean": states.mean(0), "cls": states[0], "max": states.amax(0), "pooler": output.pooler_output[0]}
    assert found.keys() == wanted.keys()
    for pooling, vector in wanted.items():
        assert torch.allclose(torch.tensor(found[pooling]), vector, atol=1e-6), pooling


def test_the_first_token_of_a_row_that_is_padded_on_the_left_is_no_padding() -> None:
    from encoder_tui.engine.operations.vectors import _pool

    states = torch.arange(24.0).reshape(2, 4, 3)
    found = _pool({"last_hidden_state": states}, torch.tensor([[0, 0, 1, 1], [1, 1, 1, 0]]))
    assert torch.equal(found["cls"], torch.stack([states[0, 2], states[1, 0]]))


def test_windows_are_averaged_and_padding_counts_for_nothing(bert: Path) -> None:
    from transformers import AutoModel, AutoTokenizer

    model = AutoModel.from_pretrained(bert).eval()
    rows = AutoTokenizer.from_pretrained(bert)(
        TEXT, truncation=True, max_length=13, stride=4, return_overflowing_tokens=True
    )["input_ids"]
    assert len(rows) > 2
    assert len(rows[-1]) < 13
    with torch.inference_mode():
        means = [model(input_ids=torch.tensor([row])).last_hidden_state[0].mean(0) for row in rows]
    found = torch.tensor(vectors(bert, TEXT, 13)["mean"])
    assert torch.allclose(found, torch.stack(means).mean(0), atol=1e-6)


def test_a_document_goes_whole_or_cut_and_in_windows(bert: Path) -> None:
    tokenizer, files = tokenizer_of(bert), files_of(bert)
    assert [name for name, _ in ways(tokenizer, files, [TEXT])] == ["whole"]
    (name, (begun,)), (windowed, (all_of_it,)) = ways(tokenizer, files, [TEXT * 8])
    assert (name, windowed) == ("cut at 64", "windows of 64")
    assert (begun.seen, begun.rows) == (64, 1)
    assert all_of_it.seen == all_of_it.tokens == begun.tokens
    ids = [token for row in all_of_it.batch.input_ids for token in row]
    assert set(tokenizer.encode([TEXT * 8])[0].ids) <= set(ids)


def test_cosine_and_norm_by_hand() -> None:
    assert cosine([3, 4], [4, 3]) == pytest.approx(24 / 25)
    assert cosine([1, 0], [-2, 0]) == -1
    assert math.isnan(cosine([0, 0], [1, 0]))
    assert norm([3, 4]) == 5


def test_the_builtin_triplets_are_whole() -> None:
    triplets = builtin_triplets()
    assert len(triplets) >= 8
    assert all(one.anchor.strip() and len(one.positive) > 2_000 < len(one.negative) for one in triplets)
    assert all(one.positive_name != one.negative_name for one in triplets)


# Masks


def ask_masked(directory: Path, text: str) -> list[list[tuple[int, float]]]:
    from encoder_tui.engine.operations import masked as task

    tokenizer = tokenizer_of(directory)
    given = cut(tokenizer, with_mask(text, tokenizer), None)
    mask = {role: token_id for role, _, token_id in tokenizer.special_tokens()}["mask"]
    places = [place for place, token in enumerate(given.batch.input_ids[0]) if token == mask]
    answer = task.run(MaskedRequest(source_of(files_of(directory)), Placement(), given.batch, places), silent())
    return [[(one.token_id, one.probability) for one in position] for position in answer.predictions]


def test_predictions_are_the_most_probable_tokens(tmp_path: Path) -> None:
    from transformers import AutoModelForMaskedLM, AutoTokenizer

    directory = with_head("bert-cased", tmp_path)
    text = "How [MASK] rises, and the [MASK]."
    inputs = AutoTokenizer.from_pretrained(directory)(text, return_tensors="pt")
    places = (inputs["input_ids"][0] == AutoTokenizer.from_pretrained(directory).mask_token_id).nonzero()[:, 0]
    with torch.inference_mode():
        logits = AutoModelForMaskedLM.from_pretrained(directory).eval()(**inputs).logits[0, places]
    best = logits.softmax(-1).topk(5)
    found = ask_masked(directory, text)
    assert [[token for token, _ in position] for position in found] == best.indices.tolist()
    assert torch.allclose(torch.tensor([[chance for _, chance in one] for one in found]), best.values)
    assert why_no_predictions(files_of(directory), tokenizer_of(directory)) == ""


def test_a_checkpoint_without_a_head_makes_no_predictions(bert: Path, tmp_path: Path) -> None:
    assert "BertModel, without a masked-language head" in why_no_predictions(files_of(bert), tokenizer_of(bert))
    with pytest.raises(OperationError, match="has no masked-language head"):
        ask_masked(bert, "How [MASK] rises.")
    bare = with_head("bert-cased", tmp_path)
    (bare / "model.safetensors").unlink()
    assert "random" in why_no_predictions(files_of(bare), tokenizer_of(bare))
    with pytest.raises(OperationError, match="random"):
        ask_masked(bare, "How [MASK] rises.")


# Words and files


def test_dimensions_are_named() -> None:
    def facts(name: str, shape: list[int]) -> OutputFacts:
        return OutputFacts(name, shape, "float32", "cpu", 0.0, 1.0, 0.0, 1.0)

    assert shape_words(facts("last_hidden_state", [1, 17, 768])) == "1 batch × 17 tokens × 768 hidden"
    assert shape_words(facts("attentions.3", [1, 12, 9, 9])) == "1 batch × 12 heads × 9 queries × 9 keys"
    assert shape_short(facts("pooler_output", [1, 768])) == "1 × 768 hidden"


@pytest.mark.parametrize("value", [-3.79123e-9, 1.0, -0.0205777, 123456.789, -1e-300, 0.0])
def test_a_statistic_fits_its_column_and_keeps_its_exponent(value: float) -> None:
    for width in (7, 8):
        words = statistic(value, 4, width)
        assert len(words) <= width + (abs(value) < 1e-99)
        assert float(words) == pytest.approx(value, rel=0.5)
    assert statistic(None) == "–"
    assert statistic(math.inf) == "inf"


def test_numpy_reads_the_archive() -> None:
    import numpy as np

    tensor = SavedTensor("0.last_hidden_state", "float32", [1, 2, 3])
    values = np.arange(6, dtype="<f4").reshape(1, 2, 3)
    file = io.BytesIO()
    with npz.archive(file, {"0": "{}"}) as archive, archive.open(f"{tensor.name}.npy", "w") as entry:
        entry.write(npz.header(tensor) + values.tobytes())
    assert (len(npz.header(tensor))) % 64 == 0
    file.seek(0)
    assert np.array_equal(np.load(file)["0.last_hidden_state"], values)


def test_the_python_gives_the_same_values(bert: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from encoder_tui.core.models.names import parse_name

    answer = run(bert, texts=[TEXT * 8])
    made = RunToReproduce(parse_name(str(bert)), 64, answer.in_force.device, "float32", answer.in_force.attention)
    scope: dict[str, object] = {}
    exec(run_snippet([made], TEXT * 8), scope)
    capsys.readouterr()
    wanted = look("last_hidden_state", Window(0, 0, 1, 1, 1000, 1000), [0])
    assert torch.equal(scope["outputs"].last_hidden_state[0], wanted)  # type: ignore[attr-defined]
