"""Makes tiny random checkpoints in the layout of nvidia/Hymba-1.5B-Base and computes their logits as its modeling_hymba.py does.

    nvidia_hymba.py FOLDER CHANGES [FOLDER CHANGES ...]    CHANGES: JSON that replaces fields of the configuration

Writes FOLDER/config.json, FOLDER/model.safetensors (bf16, as published) and FOLDER.case.json. It shares no code with hymba_model.py.
"""

import json
import os
import struct
import sys

import torch
import torch.nn.functional as F

torch.manual_seed(5)
torch.set_num_threads(1)
# Each checkpoint is made by a process of its own, so that PyTorch is loaded once.
for folder, changes in zip(sys.argv[1::2], sys.argv[2::2]):
    if os.fork() == 0:
        break
    if os.wait()[1] != 0:
        sys.exit(1)
else:
    sys.exit(0)
config = {
    "model_type": "hymba", "architectures": ["HymbaForCausalLM"], "vocab_size": 43, "hidden_size": 32,
    "intermediate_size": 40, "num_hidden_layers": 7, "num_attention_heads": 4, "num_key_value_heads": 2,
    "mamba_d_state": 8, "mamba_d_conv": 4, "mamba_expand": 2, "mamba_dt_rank": 3, "mamba_conv_bias": True,
    "mamba_proj_bias": False, "mamba_inner_layernorms": True, "num_memory_tokens": 5, "sliding_window": 6,
    "global_attn_idx": [0, 3, 6], "kv_reuse_group": [[1, 2], [4, 5]], "rope_theta": 10000.0, "rope_type": "ntk",
    "max_position_embeddings": 64, "orig_max_position_embeddings": 16, "rms_norm_eps": 1e-6, "rope": True,
    "tie_word_embeddings": True, "hidden_act": "silu", "mlp_hidden_act": "silu", "num_experts": 1, "num_mamba": 1,
    "kq_norm": "none", "kv_weight_reuse": False, "kv_reuse_every_i_layer": -1, "memory_tokens_interspersed_every": 0,
    **json.loads(changes),
}
D, H, G, N, R = (config[name] for name in ("hidden_size", "num_attention_heads", "num_key_value_heads", "mamba_d_state", "mamba_dt_rank"))
I, dk, eps = config["mamba_expand"] * D, D // H, config["rms_norm_eps"]
dv = I // H
consumers = {layer: group[0] for group in config["kv_reuse_group"] or [] for layer in group[1:]}


def weight(*shape, scale=None):
    return (torch.randn(shape) * (scale or 1.5 / shape[-1] ** 0.5)).bfloat16().float()


def ones(width):
    return (1 + 0.2 * torch.randn(width)).bfloat16().float()


w = {"model.embed_tokens.weight": weight(config["vocab_size"], D), "model.final_layernorm.weight": ones(D)}
if config["num_memory_tokens"]:
    w["model.memory_tokens"] = weight(config["num_memory_tokens"], D, scale=1)
for index in range(config["num_hidden_layers"]):
    kv = 0 if index in consumers else G * (dk + dv)
    parts = {
        "input_layernorm.weight": ones(D),
        "mamba.in_proj.weight": weight(H * dk + kv + 2 * I, D),
        "mamba.out_proj.weight": weight(D, I),
        "mamba.conv1d.weight": weight(I, 1, config["mamba_d_conv"], scale=0.5),
        "mamba.x_proj.0.weight": weight(R + 2 * N, I),
        "mamba.dt_proj.0.weight": weight(I, R),
        "mamba.dt_proj.0.bias": weight(I, scale=0.5) - 3,
        "mamba.A_log.0": torch.log(torch.arange(1, N + 1).float()).repeat(I, 1).bfloat16().float(),
        "mamba.D.0": ones(I),
        "mamba.pre_avg_layernorm1.weight": ones(I),
        "mamba.pre_avg_layernorm2.weight": ones(I),
        "pre_moe_layernorm.weight": ones(D),
        "moe.experts.0.gate_proj.weight": weight(config["intermediate_size"], D),
        "moe.experts.0.up_proj.weight": weight(config["intermediate_size"], D),
        "moe.experts.0.down_proj.weight": weight(D, config["intermediate_size"]),
    }
    if config["mamba_conv_bias"]:
        parts["mamba.conv1d.bias"] = weight(I, scale=0.5)
    if config["mamba_inner_layernorms"]:
        parts.update({f"mamba.{name}_layernorm.weight": ones(n) for name, n in (("dt", R), ("B", N), ("C", N))})
    w.update({f"model.layers.{index}.{name}": value for name, value in parts.items()})
w = {name: value.bfloat16().float() for name, value in w.items()}


def rms(x, name):
    return w[name] * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps))


def rotate_half(x):
    return torch.cat((-x[..., x.shape[-1] // 2 :], x[..., : x.shape[-1] // 2]), dim=-1)


def rotary(length):
    base = config["rope_theta"]
    if config["rope_type"] == "ntk":
        stretch = 2 * config["max_position_embeddings"] / config["orig_max_position_embeddings"] - 1
        base = base * stretch ** (dk / (dk - 2))
    inverse = 1.0 / (base ** (torch.arange(0, dk, 2).double() / dk))
    angles = torch.outer(torch.arange(length).double(), inverse)
    return torch.cat((angles, angles), -1).cos().float(), torch.cat((angles, angles), -1).sin().float()


def block(h, name, index, shared):
    B, L, _ = h.shape
    projected = F.linear(h, w[f"{name}in_proj.weight"])
    sizes = [H * dk] + ([] if index in consumers else [G * dk, G * dv]) + [I, I]
    query, *own, x, gate = projected.split(sizes, -1)
    cos, sin = rotary(L)
    query = query.view(B, L, H, dk).transpose(1, 2)
    query = query * cos + rotate_half(query) * sin
    if own:
        key, value = own[0].view(B, L, G, dk).transpose(1, 2), own[1].view(B, L, G, dv).transpose(1, 2)
        shared[index] = key * cos + rotate_half(key) * sin, value
    key, value = (part.repeat_interleave(H // G, 1) for part in shared[consumers.get(index, index)])
    q, k = torch.arange(L)[:, None], torch.arange(L)[None, :]
    seen = k <= q
    if config["sliding_window"] and index not in config["global_attn_idx"]:
        seen = seen & ((q - k <= config["sliding_window"]) | (k < config["num_memory_tokens"]))
    scores = (query @ key.transpose(2, 3) / dk**0.5).masked_fill(~seen, float("-inf"))
    attended = (scores.softmax(-1) @ value).transpose(1, 2).reshape(B, L, I)
    taps = config["mamba_d_conv"]
    bias = w.get(f"{name}conv1d.bias")
    u = F.silu(F.conv1d(F.pad(x.transpose(1, 2), (taps - 1, 0)), w[f"{name}conv1d.weight"], bias, groups=I)).transpose(1, 2)
    dt, b, c = F.linear(u, w[f"{name}x_proj.0.weight"]).split((R, N, N), -1)
    if config["mamba_inner_layernorms"]:
        dt, b, c = (rms(part, f"{name}{norm}_layernorm.weight") for part, norm in ((dt, "dt"), (b, "B"), (c, "C")))
    delta = F.softplus(F.linear(dt, w[f"{name}dt_proj.0.weight"], w[f"{name}dt_proj.0.bias"]))
    A, state, rows = -torch.exp(w[f"{name}A_log.0"]), torch.zeros(B, I, N), []
    for t in range(L):
        state = torch.exp(delta[:, t, :, None] * A) * state + (delta[:, t] * u[:, t])[..., None] * b[:, t, None]
        rows.append((state * c[:, t, None]).sum(-1))
    scanned = (torch.stack(rows, 1) + w[f"{name}D.0"] * u) * F.silu(gate)
    both = rms(attended, f"{name}pre_avg_layernorm1.weight") + rms(scanned, f"{name}pre_avg_layernorm2.weight")
    return F.linear(both / 2, w[f"{name}out_proj.weight"])


def logits(ids):
    x, M, shared = w["model.embed_tokens.weight"][ids], config["num_memory_tokens"], {}
    if M:
        x = torch.cat((w["model.memory_tokens"].expand(ids.shape[0], -1, -1), x), 1)
    for index in range(config["num_hidden_layers"]):
        name = f"model.layers.{index}."
        x = x + block(rms(x, f"{name}input_layernorm.weight"), f"{name}mamba.", index, shared)
        h, expert = rms(x, f"{name}pre_moe_layernorm.weight"), f"{name}moe.experts.0."
        gated = F.silu(F.linear(h, w[f"{expert}gate_proj.weight"])) * F.linear(h, w[f"{expert}up_proj.weight"])
        x = x + F.linear(gated, w[f"{expert}down_proj.weight"])
    return F.linear(rms(x, "model.final_layernorm.weight")[:, M:], w["model.embed_tokens.weight"])


os.makedirs(folder)
with open(f"{folder}/config.json", "w", encoding="utf-8") as file:
    json.dump(config, file)
header, data = {}, b""
for name, value in w.items():
    raw = value.bfloat16().contiguous().view(torch.int16).numpy().tobytes()
    header[name] = {"dtype": "BF16", "shape": list(value.shape), "data_offsets": [len(data), len(data) + len(raw)]}
    data += raw
head = json.dumps(header).encode()
with open(f"{folder}/model.safetensors", "wb") as file:
    file.write(struct.pack("<Q", len(head)) + head + data)
ids = torch.tensor([[(7 * t + 5 * b + t * t) % config["vocab_size"] for t in range(23)] for b in range(2)])
with open(f"{folder}.case.json", "w", encoding="utf-8") as file:
    json.dump({"ids": ids.tolist(), "logits": logits(ids).flatten().tolist()}, file)
