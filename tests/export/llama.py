"""A Llama from config.json and model.safetensors as Transformers names them, computed as its modeling_llama.py does.

Prints how far its logits are from those of case.json, for each folder. It shares no code with hymba_model.py.
"""

import json
import struct
import sys

import numpy
import torch
import torch.nn.functional as F

torch.set_num_threads(1)


def tensors(path):
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header, data = json.loads(file.read(length)), file.read()
    header.pop("__metadata__", None)
    assert all(entry["dtype"] == "F32" for entry in header.values())
    return {
        name: torch.from_numpy(
            numpy.frombuffer(data[slice(*entry["data_offsets"])], numpy.float32).reshape(entry["shape"]).copy()
        )
        for name, entry in header.items()
    }


def rms_norm(x, weight, eps):
    return weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps))


def rotate_half(x):
    half = x.shape[-1] // 2
    return torch.cat((-x[..., half:], x[..., :half]), dim=-1)


def logits_of(config, w, ids):
    heads, groups, width = config["num_attention_heads"], config["num_key_value_heads"], config["head_dim"]
    eps, (batch, length) = config["rms_norm_eps"], ids.shape
    inverse = 1.0 / (config["rope_theta"] ** (torch.arange(0, width, 2).float() / width))
    angles = torch.outer(torch.arange(length).float(), inverse)
    cos, sin = torch.cat((angles, angles), -1).cos(), torch.cat((angles, angles), -1).sin()
    mask = torch.full((length, length), float("-inf")).triu(1)
    x = w["model.embed_tokens.weight"][ids]
    for index in range(config["num_hidden_layers"]):
        own = {name.split(".", 3)[3]: value for name, value in w.items() if name.startswith(f"model.layers.{index}.")}
        h = rms_norm(x, own["input_layernorm.weight"], eps)
        q, k, v = (F.linear(h, own[f"self_attn.{part}_proj.weight"]) for part in "qkv")
        q = q.view(batch, length, heads, width).transpose(1, 2)
        k, v = (part.view(batch, length, groups, width).transpose(1, 2) for part in (k, v))
        q, k = q * cos + rotate_half(q) * sin, k * cos + rotate_half(k) * sin
        k, v = (part.repeat_interleave(heads // groups, 1) for part in (k, v))
        weights = (q @ k.transpose(2, 3) / width**0.5 + mask).softmax(-1)
        x = x + F.linear((weights @ v).transpose(1, 2).reshape(batch, length, -1), own["self_attn.o_proj.weight"])
        h = rms_norm(x, own["post_attention_layernorm.weight"], eps)
        gated = F.silu(F.linear(h, own["mlp.gate_proj.weight"])) * F.linear(h, own["mlp.up_proj.weight"])
        x = x + F.linear(gated, own["mlp.down_proj.weight"])
    assert config["tie_word_embeddings"]
    return F.linear(rms_norm(x, w["model.norm.weight"], eps), w["model.embed_tokens.weight"])


for folder in sys.argv[1:]:
    with open(f"{folder}/config.json", encoding="utf-8") as file:
        config = json.load(file)
    with open(f"{folder}.case.json", encoding="utf-8") as file:
        case = json.load(file)
    found = logits_of(config, tensors(f"{folder}/model.safetensors"), torch.tensor(case["ids"])).flatten()
    expected = torch.tensor(case["logits"])
    print(json.dumps({"worst": float((found - expected).abs().max()), "largest": float(expected.abs().max())}))
