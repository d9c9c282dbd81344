"""The five models of `hymba bench step --shape peers` as one would write them in PyTorch."""

import math

import torch
import torch.nn.functional as F
from torch import nn

from scan import SelectiveScan

V, D, LAYERS, H, G, FFN, WINDOW, META, STATES, TAPS = 1000, 128, 6, 4, 2, 512, 32, 16, 16, 4
INNER, RANK, HEAD, EPS = 2 * D, D // 16, D // H, 1e-6
ARMS = ["mamba", "transformer-global", "transformer-local", "hybrid-sequential", "hymba"]


class Norm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + EPS) * self.weight


def linear(inputs, outputs):
    layer = nn.Linear(inputs, outputs, bias=False)
    nn.init.normal_(layer.weight, std=0.02)
    return layer


class Attention(nn.Module):
    """Grouped queries, rotary embedding, window and meta tokens. Without `owns`, keys and values come from another layer."""

    def __init__(self, value_width, mask, rotary, owns):
        super().__init__()
        self.value_width, self.mask, self.rotary, self.owns = value_width, mask, rotary, owns
        self.q = linear(D, H * HEAD)
        if owns:
            self.kv = linear(D, G * (HEAD + value_width))

    def rotate(self, x):
        cos, sin = self.rotary
        a, b = x.chunk(2, -1)
        return torch.cat((a * cos - b * sin, a * sin + b * cos), -1)

    def forward(self, x, shared):
        batch, length, _ = x.shape
        q = self.rotate(self.q(x).view(batch, length, H, HEAD).transpose(1, 2))
        if self.owns:
            k, v = self.kv(x).split((G * HEAD, G * self.value_width), -1)
            k = self.rotate(k.reshape(batch, length, G, HEAD).transpose(1, 2))
            v = v.reshape(batch, length, G, self.value_width).transpose(1, 2)
        else:
            k, v = shared
        group = H // G
        # The query heads of a group are folded into rows, so keys and values are not repeated.
        scores = q.reshape(batch, G, group * length, HEAD) @ k.transpose(2, 3) / math.sqrt(HEAD)
        scores = scores.view(batch, G, group, length, length) + self.mask
        weights = scores.softmax(-1).view(batch, G, group * length, length)
        out = (weights @ v).view(batch, H, length, self.value_width)
        return out.transpose(1, 2).reshape(batch, length, H * self.value_width), (k, v)


class Mamba(nn.Module):
    def __init__(self, inner_norms):
        super().__init__()
        self.xz = linear(D, 2 * INNER)
        self.conv = nn.Conv1d(INNER, INNER, TAPS, groups=INNER, padding=TAPS - 1)
        self.selection = nn.Linear(INNER, RANK + 2 * STATES, bias=False)
        self.dt = nn.Linear(RANK, INNER)
        step = torch.exp(torch.rand(INNER) * (math.log(0.1) - math.log(0.001)) + math.log(0.001))
        with torch.no_grad():
            self.dt.bias.copy_(step + torch.log(-torch.expm1(-step)))
        self.a_log = nn.Parameter(torch.log(torch.arange(1.0, STATES + 1)).repeat(INNER, 1))
        self.skip = nn.Parameter(torch.ones(INNER))
        self.norms = nn.ModuleList([Norm(RANK), Norm(STATES), Norm(STATES)]) if inner_norms else None

    def forward(self, x):
        u, z = self.xz(x).chunk(2, -1)
        u = F.silu(self.conv(u.transpose(1, 2))[..., : x.shape[1]].transpose(1, 2))
        dt, b, c = self.selection(u).split((RANK, STATES, STATES), -1)
        if self.norms:
            dt, b, c = (norm(part) for norm, part in zip(self.norms, (dt, b, c)))
        y = SelectiveScan.apply(u, F.softplus(self.dt(dt)), -torch.exp(self.a_log), b, c)
        return (y + u * self.skip) * F.silu(z)


class Layer(nn.Module):
    def __init__(self, attention, mamba, width):
        super().__init__()
        self.norm1, self.norm2 = Norm(D), Norm(D)
        self.attention, self.mamba = attention, mamba
        self.fusion = nn.ModuleList([Norm(width), Norm(width)]) if attention and mamba else None
        self.out = linear(width, D)
        self.gate_up, self.down = linear(D, 2 * FFN), linear(FFN, D)

    def forward(self, x, shared):
        h, kept = self.norm1(x), None
        if self.attention:
            mixed, kept = self.attention(h, shared)
        if self.mamba:
            scanned = self.mamba(h)
            mixed = 0.5 * (self.fusion[0](mixed) + self.fusion[1](scanned)) if self.attention else scanned
        x = x + self.out(mixed)
        gate, up = self.gate_up(self.norm2(x)).chunk(2, -1)
        return x + self.down(F.silu(gate) * up), kept


def rotary_table(length):
    angles = torch.arange(length)[:, None] / 10000 ** (torch.arange(0, HEAD, 2) / HEAD)
    return angles.cos(), angles.sin()


def mask_of(length, meta, window):
    """0 where a query sees a key, else minus infinity: its own past, in a window if there is one, and all meta tokens."""
    t = torch.arange(length)
    distance = t[:, None] - t[None, :]
    near = distance < window if window else distance >= 0
    seen = (distance >= 0) & (near | (t < meta)[None, :])
    return torch.zeros(length, length).masked_fill(~seen, float("-inf"))


def owners(arm, local):
    """Which layer's keys and values each layer uses: pairs of neighbouring local layers where the arm shares."""
    owner = list(range(LAYERS))
    if arm in ("hymba", "transformer-local"):
        i = 0
        while i + 1 < LAYERS:
            if local[i] and local[i + 1]:
                owner[i + 1] = i
                i += 1
            i += 1
    return owner


class Model(nn.Module):
    def __init__(self, arm, length):
        super().__init__()
        hymba = arm == "hymba"
        meta = META if arm in ("hymba", "hybrid-sequential") else 0
        self.embedding = nn.Embedding(V, D)
        nn.init.normal_(self.embedding.weight, std=0.02)
        self.meta = nn.Parameter(torch.randn(meta, D)) if meta else None
        total = length + meta
        table = rotary_table(total)
        local = [arm == "transformer-local" or (hymba and i not in (0, LAYERS // 2, LAYERS - 1)) for i in range(LAYERS)]
        self.owner = owners(arm, local)
        layers = []
        for i in range(LAYERS):
            has_mamba = arm in ("mamba", "hymba") or (arm == "hybrid-sequential" and i % 2 == 0)
            has_attention = arm != "mamba" and (hymba or not has_mamba)
            value_width = INNER // H if hymba else HEAD
            mask = mask_of(total, meta, WINDOW if local[i] else 0)
            attention = Attention(value_width, mask, table, self.owner[i] == i) if has_attention else None
            layers.append(Layer(attention, Mamba(hymba) if has_mamba else None, INNER if has_mamba else H * HEAD))
        self.layers = nn.ModuleList(layers)
        self.norm = Norm(D)

    def forward(self, ids):
        x, kept = self.embedding(ids), []
        if self.meta is not None:
            x = torch.cat((self.meta.expand(len(ids), -1, -1), x), 1)
        for layer, owner in zip(self.layers, self.owner):
            x, kv = layer(x, kept[owner] if owner < len(kept) else None)
            kept.append(kv)
        return F.linear(self.norm(x[:, -ids.shape[1] :]), self.embedding.weight)
