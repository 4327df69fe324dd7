"""Published weights in our own readable classes: GPT-2 and BERT as the Hugging Face hub keeps them.

A checkpoint is a folder with `config.json` and weights in safetensors; never a pickle. Every tensor of the model must be
in it, of the right shape, and every tensor in it must be one that is known: weights that are left out without a word
would be answers that are wrong without a word.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar

import torch
import torch.nn.functional as F
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from .models.bert import BERT
from .models.gpt import GPT

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "gelu": F.gelu,
    "gelu_new": partial(F.gelu, approximate="tanh"),
    "gelu_pytorch_tanh": partial(F.gelu, approximate="tanh"),
    "relu": F.relu,
    "silu": F.silu,
    "swish": F.silu,
    "tanh": torch.tanh,
}
FILES = ["config.json", "*.safetensors"]
# What some checkpoints hold beside the weights, or for heads that our classes do not have.
NOT_OURS = re.compile(r"(\.attn\.(masked_)?bias|\.position_ids|^cls\.seq_relationship\..*|(^|\.)pooler\..*)$")

G = TypeVar("G", bound=GPT)
B = TypeVar("B", bound=BERT)
Rename = tuple[tuple[str, ...], bool]  # the tensors that are joined to one of ours, and whether they lie on their side


class PretrainedError(RuntimeError):
    """A checkpoint that cannot be had, that is damaged, or that is of another model."""


def load_gpt(kind: type[G], name: str | PathLike[str]) -> G:
    """A GPT with the weights of a GPT-2 checkpoint, in eval mode. See `GPT.from_pretrained`."""
    folder = checkpoint(name)
    config = _config(folder, "gpt2")
    for option, usual in {"scale_attn_weights": True, "scale_attn_by_inverse_layer_idx": False, "add_cross_attention": False}.items():
        _refuse_unless(config.get(option, usual) == usual, folder, f"{option} = {config.get(option)}", f"{option} = {usual}")
    tied = config.get("tie_word_embeddings", True)
    model = kind(
        config["vocab_size"], config["n_positions"], config["n_embd"], config["n_layer"], config["n_head"],
        config.get("resid_pdrop", 0.1), config.get("n_inner"), _activation(folder, config.get("activation_function", "gelu_new")),
        config.get("layer_norm_epsilon", 1e-5), tied,
    )  # fmt: skip
    names: dict[str, Rename] = {
        "token.weight": (("wte.weight",), False),
        "position.weight": (("wpe.weight",), False),
        "norm.weight": (("ln_f.weight",), False),
        "norm.bias": (("ln_f.bias",), False),
        "head.weight": (("wte.weight" if tied else "lm_head.weight",), False),
    }
    parts = {
        "before_attention": "ln_1", "attention.to_qkv": "attn.c_attn", "attention.to_out": "attn.c_proj",
        "before_thought": "ln_2", "widen": "mlp.c_fc", "shrink": "mlp.c_proj",
    }  # fmt: skip
    for layer in range(config["n_layer"]):
        for ours, theirs in parts.items():
            # GPT-2 keeps its linear layers as (in, out).
            names[f"blocks.{layer}.{ours}.weight"] = (f"h.{layer}.{theirs}.weight",), not theirs.startswith("ln")
            names[f"blocks.{layer}.{ours}.bias"] = (f"h.{layer}.{theirs}.bias",), False
    also = {"lm_head.weight"} if tied else set()
    _fill(model, _weights(folder, prefix="transformer."), names, also, folder)
    return model.eval()


def load_bert(kind: type[B], name: str | PathLike[str]) -> B:
    """A BERT with the weights of a BERT checkpoint, in eval mode. See `BERT.from_pretrained`."""
    folder = checkpoint(name)
    config = _config(folder, "bert")
    for option, usual in {"position_embedding_type": "absolute", "is_decoder": False, "add_cross_attention": False}.items():
        _refuse_unless(config.get(option, usual) == usual, folder, f"{option} = {config.get(option)}", f"{option} = {usual}")
    tied = config.get("tie_word_embeddings", True)
    weights, decoder_bias = _weights(folder, prefix="bert."), "cls.predictions.decoder.bias"
    model = kind(
        config["vocab_size"], config["max_position_embeddings"], config["hidden_size"], config["num_hidden_layers"],
        config["num_attention_heads"], config.get("hidden_dropout_prob", 0.1), config["intermediate_size"],
        _activation(folder, config.get("hidden_act", "gelu")), config.get("layer_norm_eps", 1e-12),
        config.get("type_vocab_size", 2), tied,
    )  # fmt: skip
    names: dict[str, Rename] = {
        "token.weight": (("embeddings.word_embeddings.weight",), False),
        "position.weight": (("embeddings.position_embeddings.weight",), False),
        "kind.weight": (("embeddings.token_type_embeddings.weight",), False),
        "head.weight": (("embeddings.word_embeddings.weight" if tied else "cls.predictions.decoder.weight",), False),
        # With a head of its own, a checkpoint may hold both, and the decoder's is the one that counts.
        "head.bias": (("cls.predictions.bias" if tied or decoder_bias not in weights else decoder_bias,), False),
    }
    whole = {"norm": "embeddings.LayerNorm", "guess": "cls.predictions.transform.dense", "guess_norm": "cls.predictions.transform.LayerNorm"}
    for layer in range(config["num_hidden_layers"]):
        theirs = f"encoder.layer.{layer}"
        whole |= {
            f"blocks.{layer}.attention.to_out": f"{theirs}.attention.output.dense",
            f"blocks.{layer}.after_attention": f"{theirs}.attention.output.LayerNorm",
            f"blocks.{layer}.widen": f"{theirs}.intermediate.dense",
            f"blocks.{layer}.shrink": f"{theirs}.output.dense",
            f"blocks.{layer}.after_thought": f"{theirs}.output.LayerNorm",
        }
        for what in ("weight", "bias"):
            joined = tuple(f"{theirs}.attention.self.{part}.{what}" for part in ("query", "key", "value"))
            names[f"blocks.{layer}.attention.to_qkv.{what}"] = joined, False
    for ours, theirs in whole.items():
        for what in ("weight", "bias"):
            names[f"{ours}.{what}"] = (f"{theirs}.{what}",), False
    also = {"cls.predictions.decoder.weight", "cls.predictions.bias", decoder_bias}
    _fill(model, weights, names, also, folder)
    return model.eval()


def checkpoint(name: str | PathLike[str]) -> Path:
    """The folder of a checkpoint: `name` itself if it is one, else what the hub calls so, from its cache or fetched.

    Raises: PretrainedError if there is no such folder, and the hub does not know the name or cannot be reached.
    """
    folder = Path(name).expanduser()
    if folder.is_dir():
        return folder
    if len(folder.parts) > 2 or str(name).startswith((".", "~", "/")):
        raise PretrainedError(f"there is no folder {folder}")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
    )

    try:
        return Path(snapshot_download(str(name), allow_patterns=FILES))
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise PretrainedError(f"there is no folder {name!r} here, and the Hugging Face hub knows no model of that name") from error
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        raise PretrainedError(
            f"there is no folder {name!r} here, it is not in the cache of the Hugging Face hub, and it could not be fetched: {error}"
        ) from error


def _config(folder: Path, kind: str) -> dict[str, Any]:
    file = folder / "config.json"
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise PretrainedError(f"{folder} is no checkpoint: it has no config.json") from None
    except (OSError, ValueError) as error:
        raise PretrainedError(f"{file} cannot be read: {error}") from error
    found = config.get("model_type") if isinstance(config, dict) else None
    _refuse_unless(found == kind, folder, f"a model of type {found}", kind)
    return config


def _refuse_unless(fits: bool, folder: Path, found: str, expected: str) -> None:
    if not fits:
        raise PretrainedError(f"{folder} is a checkpoint with {found}; here one with {expected} is read")


def _activation(folder: Path, name: str) -> Callable[[Tensor], Tensor]:
    if name not in ACTIVATIONS:
        raise PretrainedError(f"{folder} has the activation {name!r}; known are {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[name]


def _weights(folder: Path, prefix: str) -> dict[str, Tensor]:
    """All tensors of a checkpoint in float32, by their names without the prefix that some checkpoints put before them."""
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise PretrainedError(
            f"{folder} has no weights in safetensors. (Weights in a .bin file are a pickle, which can run any code: "
            "convert them with the transformers library.)"
        )
    tensors: dict[str, Tensor] = {}
    for file in files:
        try:
            with safe_open(file, framework="pt") as opened:
                for name in opened.keys():  # noqa: SIM118  safe_open is no mapping
                    tensors[_plain(name.removeprefix(prefix))] = opened.get_tensor(name).float()
        except (SafetensorError, OSError) as error:
            raise PretrainedError(f"{file} is damaged or cut off: {error}") from error
    return tensors


def _plain(name: str) -> str:
    """The oldest checkpoints call the two parameters of a layer norm gamma and beta."""
    return re.sub(r"LayerNorm\.gamma$", "LayerNorm.weight", re.sub(r"LayerNorm\.beta$", "LayerNorm.bias", name))


def _fill(model: nn.Module, tensors: Mapping[str, Tensor], names: Mapping[str, Rename], also: Iterable[str], folder: Path) -> None:
    """Copy a checkpoint's tensors into a model's parameters. also: names that it may hold and that are not needed."""
    with torch.no_grad():
        for ours, parameter in model.named_parameters():
            theirs, on_its_side = names[ours]
            for name in theirs:
                if name not in tensors:
                    raise PretrainedError(f"{folder} has no tensor {name!r}, which {type(model).__name__} needs for {ours}")
            found = torch.cat([tensors[name] for name in theirs])
            found = found.T if on_its_side else found
            if found.shape != parameter.shape:
                raise PretrainedError(
                    f"the tensor {' + '.join(theirs)!r} of {folder} has shape {tuple(found.shape)}, but its config.json makes "
                    f"{ours} of shape {tuple(parameter.shape)}"
                )
            parameter.copy_(found)
    known = {name for theirs, _ in names.values() for name in theirs} | set(also)
    for name in tensors:
        if name not in known and not NOT_OURS.search(name):
            raise PretrainedError(f"{folder} holds the tensor {name!r}, which {type(model).__name__} has no place for")
