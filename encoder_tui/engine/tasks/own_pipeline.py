"""A deployed model run without sentence-transformers, for environments of the engine that lack it.

What the card names is followed for the modules that most dense models are made of: a transformer, pooling, dense
layers, layer norms and normalization. It has the methods of `SentenceTransformer` that this package calls, and gives
the same values; a model with any other module needs the library.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from encoder_tui.core.models.card import Card
from encoder_tui.core.models.modules import ModuleSettings, pooling_modes
from encoder_tui.core.models.placement import ModelSource
from encoder_tui.core.tokens.rust_errors import refusals
from encoder_tui.engine.job import Job, OperationError
from encoder_tui.engine.models.checkpoints import load
from encoder_tui.engine.models.loaded_model import LoadedModel
from encoder_tui.engine.tasks.pipeline import LoadedPipeline
from encoder_tui.engine.tasks.vetting import Checked

FOLLOWED: Final = ("Transformer", "Pooling", "Dense", "LayerNorm", "Normalize")
"""Modules that are followed here, by their short names."""
TANH: Final = "torch.nn.modules.activation.Tanh"
ACTIVATIONS: Final = ("torch.nn.modules.activation.", "torch.nn.modules.linear.Identity")

Features = dict[str, Any]


def load_own(
    source: ModelSource, checked: Checked, dtype: str | None, device: torch.device, job: Job, why: str
) -> LoadedPipeline:
    """Read a deployed model with transformers alone. Raises `OperationError` if it needs sentence-transformers.

    `why` says what is wrong with the library here.
    """
    card, name = checked.card, source.name
    others = [module.name for module in card.modules if module.name not in FOLLOWED]
    if others or card.kind in {"sparse-encoder", "multi-vector-encoder", "cross-encoder"}:
        what = f"its module {others[0]}" if others else f"a {card.kind}"
        raise OperationError(f"{name}: {what} needs sentence-transformers 6, and {why} in the engine's environment")
    encoder = load(source, checked.directory / card.folder, dtype, device, job)
    tokenizer = _tokenizer(source, checked.directory / card.folder, card)
    steps = [_step(name, module, checked.directory, encoder.weights == "random") for module in checked.modules[1:]]
    if not checked.modules:
        steps = [_Pooling({"pooling_mode": "mean"})]
    model = OwnPipeline(encoder, tokenizer, card, steps).to(device).eval()
    for step in steps:
        step.to(encoder.model.dtype)
    is_ours = not checked.modules
    new = [key for key in (*encoder.missing, *encoder.mismatched) if not key.startswith("pooler.")]
    return LoadedPipeline(
        source, model, device, encoder.weights, "", new, encoder.unexpected,
        [f"{name}: {why} in the engine's environment, so encoder-tui follows the model's modules itself",
         *(encoder.remarks if new else [])],
        head="pipeline", card=card, encoders=[encoder], library="encoder-tui", pooling_is_ours=is_ours,
        is_random=encoder.weights == "random" or bool(new),
    )  # fmt: skip


def _tokenizer(source: ModelSource, folder: Path, card: Card) -> Any:
    from tokenizers.normalizers import Lowercase  # noqa: PLC0415
    from tokenizers.normalizers import Sequence as Several  # noqa: PLC0415
    from transformers import AutoTokenizer  # noqa: PLC0415

    with refusals(OperationError, f"{source.name}: its tokenizer cannot be read"):
        tokenizer = AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=source.trust_remote_code
        )
    if card.limit is not None:
        tokenizer.model_max_length = card.limit
    if card.lowers_case:
        backend = tokenizer.backend_tokenizer
        backend.normalizer = Several([Lowercase(), *([backend.normalizer] if backend.normalizer else [])])
    return tokenizer


def _step(name: str, module: ModuleSettings, directory: Path, is_random: bool) -> torch.nn.Module:
    """Return what a module behind the transformer does, with its weights. Raises `OperationError`."""
    settings, kind = module.settings, module.module.name
    if kind == "Pooling":
        return _Pooling(settings)
    if kind == "Normalize":
        return _Normalize(settings)
    made: torch.nn.Module = _Dense(name, settings) if kind == "Dense" else _LayerNorm(settings)
    if not is_random:
        with refusals(OperationError, f"{name}: the weights of {module.module.path} cannot be read"):
            made.load_state_dict(_weights(directory / module.module.path))
    return made


def _weights(folder: Path) -> dict[str, torch.Tensor]:
    """Return the tensors of a module; a pickle is read as plain tensors only."""
    if (folder / "model.safetensors").is_file():
        from safetensors.torch import load_file  # noqa: PLC0415

        tensors: dict[str, torch.Tensor] = load_file(folder / "model.safetensors")
        return tensors
    found: dict[str, torch.Tensor] = torch.load(folder / "pytorch_model.bin", map_location="cpu", weights_only=True)
    return found


class _Normalize(torch.nn.Module):
    def __init__(self, settings: Features) -> None:
        super().__init__()
        self.reads = str(settings.get("module_input_name") or "sentence_embedding")
        self.writes = str(settings.get("module_output_name") or self.reads)

    def forward(self, features: Features) -> Features:
        return {**features, self.writes: torch.nn.functional.normalize(features[self.reads], p=2, dim=-1)}


class _LayerNorm(torch.nn.Module):
    def __init__(self, settings: Features) -> None:
        super().__init__()
        self.norm = torch.nn.LayerNorm(int(settings["dimension"]))

    def forward(self, features: Features) -> Features:
        return {**features, "sentence_embedding": self.norm(features["sentence_embedding"])}


class _Dense(torch.nn.Module):
    def __init__(self, name: str, settings: Features) -> None:
        super().__init__()
        sizes = int(settings["in_features"]), int(settings["out_features"])
        self.linear = torch.nn.Linear(*sizes, bias=bool(settings.get("bias", True)))
        self.activation = _activation(
            name, str(settings.get("activation_function", "torch.nn.modules.activation.Tanh"))
        )
        self.reads = str(settings.get("module_input_name") or "sentence_embedding")
        self.writes = str(settings.get("module_output_name") or self.reads)
        self.has_residual = bool(settings.get("use_residual"))
        if self.has_residual and sizes[0] != sizes[1]:
            self.residual = torch.nn.Linear(*sizes, bias=False)

    def forward(self, features: Features) -> Features:
        given = features[self.reads]
        made = self.activation(self.linear(given))
        if self.has_residual:
            made = made + (self.residual(given) if hasattr(self, "residual") else given)
        return {**features, self.writes: made}


def _activation(name: str, written: str) -> Any:
    """Return an activation of torch by its full name. Raises `OperationError` for any other."""
    kind = getattr(torch.nn, written.rpartition(".")[2], None) if written.startswith(ACTIVATIONS) else None
    if not (isinstance(kind, type) and issubclass(kind, torch.nn.Module)):
        raise OperationError(f"{name}: its Dense has the activation {written[:80]}, which is not one of torch")
    return kind()


class _Pooling(torch.nn.Module):
    """Makes one vector of a text's token states, by the modes of a pooling's settings."""

    def __init__(self, settings: Features) -> None:
        super().__init__()
        self.modes = pooling_modes(settings)
        self.has_prompt = settings.get("include_prompt") is not False

    def forward(self, features: Features) -> Features:
        states, whole = features["token_embeddings"], features["attention_mask"]
        first = whole.to(torch.int32).argmax(1)
        mask = whole
        if not self.has_prompt and features.get("prompt_length"):
            places = torch.arange(whole.shape[1], device=whole.device)[None]
            mask = whole.masked_fill(places < (first + features["prompt_length"])[:, None], 0)
        found = [self._pooled(mode, states, mask, first) for mode in self.modes]
        return {**features, "sentence_embedding": torch.cat(found, -1)}

    def _pooled(self, mode: str, states: torch.Tensor, mask: torch.Tensor, first: torch.Tensor) -> torch.Tensor:
        """Pool states (batch, tokens, hidden); `first` is where each text begins behind its padding."""
        rows = torch.arange(len(states), device=states.device)
        wide = torch.float32 if states.dtype in {torch.float16, torch.bfloat16} else states.dtype
        weights = mask[:, :, None].to(states.dtype)
        if mode == "cls":
            return states[rows, mask.to(torch.int32).argmax(1)]
        if mode == "max":
            return states.masked_fill(weights == 0, -torch.inf).amax(1)
        if mode == "lasttoken":
            seen = mask.to(torch.int32).flip(1)
            last = torch.where(seen.amax(1) == 0, 0, mask.shape[1] - 1 - seen.argmax(1))
            return (states * weights)[rows, last]
        if mode == "weightedmean":
            places = torch.arange(1, mask.shape[1] + 1, device=states.device, dtype=wide)[None] - first[:, None]
            heavy = (mask.to(wide) * places)[:, :, None]
            return ((states * heavy).sum(1) / heavy.sum(1).clamp(min=1e-9)).to(states.dtype)
        total = (states * weights).sum(1, dtype=wide)
        many = weights.sum(1, dtype=wide).clamp(min=1e-9)
        return (total / (many.sqrt() if mode == "mean_sqrt_len_tokens" else many)).to(states.dtype)


class _Reader(torch.nn.Module):
    """The transformer with its tokenizer."""

    def __init__(self, encoder: LoadedModel, tokenizer: Any) -> None:
        super().__init__()
        self.model = encoder.model
        self.tokenizer = tokenizer

    def forward(self, features: Features) -> Features:
        inputs = {key: features[key] for key in self.tokenizer.model_input_names if key in features}
        return {**features, "token_embeddings": self.model(**inputs, return_dict=True).last_hidden_state}


class OwnPipeline(torch.nn.Sequential):
    """A transformer and the modules behind it, with the methods of `SentenceTransformer`."""

    def __init__(self, encoder: LoadedModel, tokenizer: Any, card: Card, steps: Sequence[torch.nn.Module]) -> None:
        super().__init__(_Reader(encoder, tokenizer), *steps)
        self.tokenizer = tokenizer
        self.prompts = dict(card.prompts or {"query": "", "document": ""})
        self.default_prompt_name = card.default_prompt
        self.similarity_fn_name = card.similarity or "cosine"
        self._dimension = card.dimension

    def get_embedding_dimension(self) -> int | None:
        """Return the length of a vector."""
        return self._dimension

    def preprocess(self, inputs: Sequence[str], prompt: str = "") -> Features:
        """Return a batch as tensors, each (batch, tokens)."""
        texts = [prompt + text for text in inputs]
        features = dict(self.tokenizer(texts, padding=True, truncation="longest_first", return_tensors="pt"))
        if prompt:
            ids = self.tokenizer(prompt, truncation="longest_first").input_ids
            ends = bool(ids) and ids[-1] in self.tokenizer.all_special_ids
            features["prompt_length"] = len(ids) - ends
        return features

    def encode_query(self, inputs: Sequence[str], prompt_name: str | None = None, **settings: Any) -> Any:
        """Encode with the prompt for queries."""
        return self.encode(inputs, prompt_name or self._first("query"), **settings)

    def encode_document(self, inputs: Sequence[str], prompt_name: str | None = None, **settings: Any) -> Any:
        """Encode with the prompt for documents."""
        return self.encode(inputs, prompt_name or self._first("document", "passage", "corpus"), **settings)

    def _first(self, *names: str) -> str | None:
        return next((name for name in names if name in self.prompts), None)

    def encode(
        self,
        inputs: Sequence[str],
        prompt_name: str | None = None,
        batch_size: int = 32,
        truncate_dim: int | None = None,
        output_value: str | None = "sentence_embedding",
        show_progress_bar: bool = False,
    ) -> Any:
        """Return the vectors as an array (texts, values); for an `output_value` of None the features of each text."""
        del show_progress_bar
        prompt = self.prompts.get(prompt_name or self.default_prompt_name or "", "")
        # Texts of like length go together, as the library does it: the values depend on the padding in their last bits.
        order = np.argsort([-len(text) for text in inputs])
        device = next(self.parameters()).device
        width = min((one for one in (truncate_dim, self._dimension) if one is not None), default=None)
        found: list[Any] = []
        for start in range(0, len(inputs), batch_size):
            piece = [inputs[index] for index in order[start : start + batch_size]]
            features = {
                key: value.to(device) if isinstance(value, torch.Tensor) else value
                for key, value in self.preprocess(piece, prompt=prompt).items()
            }
            made = self(features)
            if output_value is None:
                found += [
                    {key: value[row] for key, value in made.items() if isinstance(value, torch.Tensor)}
                    for row in range(len(piece))
                ]
            else:
                found += made["sentence_embedding"][:, :width].cpu()
        found = [found[place] for place in np.argsort(order)]
        if output_value is None:
            return found
        vectors = torch.stack(found)
        return (vectors.float() if vectors.dtype == torch.bfloat16 else vectors).numpy()

    def similarity(self, first: Any, second: Any) -> torch.Tensor:
        """Return similarities of rows × rows by the model's function; distances are negative."""
        one, other = (torch.as_tensor(vectors).float() for vectors in (first, second))
        if self.similarity_fn_name == "cosine":
            one, other = (torch.nn.functional.normalize(vectors, p=2, dim=1) for vectors in (one, other))
        if self.similarity_fn_name in {"cosine", "dot"}:
            return one @ other.T
        return -torch.cdist(one, other, p=2.0 if self.similarity_fn_name == "euclidean" else 1.0)


def library_problem() -> str:
    """Return what keeps sentence-transformers from being used here; empty if nothing does."""
    try:
        import sentence_transformers  # noqa: PLC0415
    except ImportError:
        return "sentence-transformers is not installed"
    version = str(sentence_transformers.__version__)
    return "" if int(version.partition(".")[0]) >= 6 else f"sentence-transformers is version {version}, older than 6,"
