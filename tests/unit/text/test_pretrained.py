"""Published weights: what `transformers` saves is loaded into our classes and says the same; a bad checkpoint is refused."""

import json
import shutil

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from dlnb.text import BERT, GPT
from dlnb.text.pretrained import PretrainedError

GPT_CONFIGS = {
    "as published": {},
    "deeper and narrower": {"n_layer": 5, "n_embd": 16, "n_head": 2},
    "another inner width and activation": {"n_inner": 40, "activation_function": "relu"},
    "head of its own": {"tie_word_embeddings": False, "layer_norm_epsilon": 1e-3},
    "one layer, one head": {"n_layer": 1, "n_head": 1, "vocab_size": 7, "n_positions": 9},
}
BERT_CONFIGS = {
    "as published": {},
    "deeper and narrower": {"num_hidden_layers": 5, "hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 24},
    "another activation": {"hidden_act": "gelu_new", "layer_norm_eps": 1e-3},
    "three kinds of text": {"type_vocab_size": 3},
    "head of its own": {"tie_word_embeddings": False},
}


def saved_gpt(folder, **config):
    torch.manual_seed(0)
    usual = {"vocab_size": 60, "n_positions": 32, "n_embd": 32, "n_layer": 3, "n_head": 4, "initializer_range": 0.1}
    model = transformers.GPT2LMHeadModel(transformers.GPT2Config(**{**usual, **config})).eval()
    scatter(model)
    model.save_pretrained(folder)
    return model


def saved_bert(folder, kind=transformers.BertForMaskedLM, **config):
    torch.manual_seed(0)
    usual = {
        "vocab_size": 60, "max_position_embeddings": 32, "hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4,
        "intermediate_size": 64, "initializer_range": 0.1,
    }  # fmt: skip
    model = kind(transformers.BertConfig(**{**usual, **config})).eval()
    scatter(model)
    model.save_pretrained(folder)
    return model


def scatter(model):
    """Biases and norms other than the 0 and 1 they begin with, so that one that is mixed up is seen."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))


def tokens_for(config, length):
    return torch.randint(config.vocab_size, (3, length), generator=torch.Generator().manual_seed(1))


@torch.no_grad()
@pytest.mark.parametrize("config", GPT_CONFIGS.values(), ids=GPT_CONFIGS.keys())
def test_gpt2_says_the_same_with_and_without_the_cache(tmp_path, config):
    theirs = saved_gpt(tmp_path, **config)
    ours = GPT.from_pretrained(tmp_path)
    tokens = tokens_for(theirs.config, min(20, theirs.config.n_positions))
    expected = theirs(tokens).logits
    assert not ours.training
    assert torch.allclose(ours(tokens), expected, atol=1e-5, rtol=0)
    cache = ours.empty_cache()
    parts = [ours(part, cache) for part in tokens.split([4, 1, 1, tokens.shape[1] - 6], dim=1)]
    assert torch.allclose(torch.cat(parts, dim=1), expected, atol=1e-5, rtol=0)


@torch.no_grad()
@pytest.mark.parametrize("config", BERT_CONFIGS.values(), ids=BERT_CONFIGS.keys())
def test_bert_says_the_same_with_padding_and_kinds_of_text(tmp_path, config):
    theirs = saved_bert(tmp_path, **config)
    ours = BERT.from_pretrained(tmp_path)
    tokens = tokens_for(theirs.config, 20)
    mask = torch.arange(20) < torch.tensor([20, 13, 1])[:, None]
    kinds = torch.randint(theirs.config.type_vocab_size, tokens.shape, generator=torch.Generator().manual_seed(2))
    assert torch.allclose(ours(tokens), theirs(tokens).logits, atol=1e-5, rtol=0)
    expected = theirs(tokens, attention_mask=mask.long(), token_type_ids=kinds).logits
    assert torch.allclose(ours(tokens, mask, kinds)[mask], expected[mask], atol=1e-5, rtol=0)


@torch.no_grad()
def test_bert_for_pretraining_has_more_heads_which_are_left_out(tmp_path):
    theirs = saved_bert(tmp_path, transformers.BertForPreTraining)
    tokens = tokens_for(theirs.config, 20)
    assert torch.allclose(BERT.from_pretrained(tmp_path)(tokens), theirs(tokens).prediction_logits, atol=1e-5, rtol=0)


@torch.no_grad()
def test_old_names_bare_names_and_half_precision_are_read(tmp_path):
    theirs = saved_bert(tmp_path)
    tensors = load_file(tmp_path / "model.safetensors")
    old = {name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): tensor.half() for name, tensor in tensors.items()}
    save_file(old, tmp_path / "model.safetensors")
    tokens = tokens_for(theirs.config, 20)
    assert torch.allclose(BERT.from_pretrained(tmp_path)(tokens), theirs(tokens).logits, atol=0.05, rtol=0.05)
    theirs = saved_gpt(tmp_path / "gpt")
    tensors = load_file(tmp_path / "gpt" / "model.safetensors")
    bare = {name.removeprefix("transformer."): tensor for name, tensor in tensors.items()}
    bare["h.0.attn.bias"] = torch.ones(1, 1, 32, 32)  # as in the published file
    save_file(bare, tmp_path / "gpt" / "model.safetensors")
    assert torch.allclose(GPT.from_pretrained(tmp_path / "gpt")(tokens), theirs(tokens).logits, atol=1e-5, rtol=0)


@torch.no_grad()
def test_weights_in_several_files_are_put_together(tmp_path):
    theirs = saved_gpt(tmp_path)
    tensors = load_file(tmp_path / "model.safetensors")
    names = sorted(tensors)
    for number, part in enumerate((names[::2], names[1::2]), 1):
        save_file({name: tensors[name] for name in part}, tmp_path / f"model-0000{number}-of-00002.safetensors")
    (tmp_path / "model.safetensors").unlink()
    tokens = tokens_for(theirs.config, 20)
    assert torch.allclose(GPT.from_pretrained(tmp_path)(tokens), theirs(tokens).logits, atol=1e-5, rtol=0)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    folder = tmp_path_factory.mktemp("checkpoint")
    saved_gpt(folder)
    return folder


def spoiled(checkpoint, folder, **config):
    """A copy of the checkpoint with other settings in its config.json."""
    shutil.copytree(checkpoint, folder, dirs_exist_ok=True)
    file = folder / "config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **config}))
    return folder


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"n_embd": 48}, r"'wte.weight' .* has shape \(60, 32\), but its config.json makes token.weight of shape \(60, 48\)"),
        ({"n_positions": 16}, r"'wpe.weight' .* has shape \(32, 32\)"),
        ({"n_layer": 4}, "has no tensor 'h.3.ln_1.weight'"),
        ({"n_layer": 2}, "holds the tensor 'h.2"),
        ({"model_type": "llama"}, "a model of type llama; here one with gpt2 is read"),
        ({"activation_function": "mystery"}, "the activation 'mystery'"),
        ({"scale_attn_by_inverse_layer_idx": True}, "scale_attn_by_inverse_layer_idx = True"),
    ],
)
def test_a_checkpoint_that_does_not_fit_is_refused_and_what_does_not_fit_is_named(checkpoint, tmp_path, config, words):
    with pytest.raises(PretrainedError, match=words):
        GPT.from_pretrained(spoiled(checkpoint, tmp_path, **config))


def test_a_damaged_checkpoint_is_refused(checkpoint, tmp_path):
    whole = (checkpoint / "model.safetensors").read_bytes()
    for name, content in {"cut": whole[: len(whole) // 2], "empty": b"", "hostile": (2**62).to_bytes(8, "little") + b"{}"}.items():
        folder = spoiled(checkpoint, tmp_path / name)
        (folder / "model.safetensors").write_bytes(content)
        with pytest.raises(PretrainedError, match="damaged or cut off"):
            GPT.from_pretrained(folder)
    folder = spoiled(checkpoint, tmp_path / "text")
    (folder / "config.json").write_text("{")
    with pytest.raises(PretrainedError, match=r"config.json cannot be read"):
        GPT.from_pretrained(folder)
    (folder / "config.json").unlink()
    with pytest.raises(PretrainedError, match="has no config.json"):
        GPT.from_pretrained(folder)


def test_a_pickle_is_never_opened(checkpoint, tmp_path):
    folder = spoiled(checkpoint, tmp_path)
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"cos\nsystem\n(S'false'\ntR.")
    with pytest.raises(PretrainedError, match="no weights in safetensors.*pickle"):
        GPT.from_pretrained(folder)


def test_a_name_that_is_no_folder_and_cannot_be_fetched_is_said(monkeypatch, tmp_path):
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(PretrainedError, match="no folder 'gpt2' here"):
        GPT.from_pretrained("gpt2")
    with pytest.raises(PretrainedError, match="there is no folder"):
        GPT.from_pretrained(tmp_path / "nowhere" / "at" / "all")


@torch.no_grad()
def test_what_the_hub_has_put_into_its_cache_is_found_by_its_name(monkeypatch, tmp_path):
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    commit = "0123456789abcdef0123456789abcdef01234567"
    theirs = saved_gpt(tmp_path / "models--somebody--small" / "snapshots" / commit)
    (tmp_path / "models--somebody--small" / "refs").mkdir()
    (tmp_path / "models--somebody--small" / "refs" / "main").write_text(commit)
    tokens = tokens_for(theirs.config, 20)
    assert torch.allclose(GPT.from_pretrained("somebody/small")(tokens), theirs(tokens).logits, atol=1e-5, rtol=0)
