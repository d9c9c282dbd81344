"""A model that `hymba export --format pytorch` wrote, in plain PyTorch: all of its architectures, forward pass only.

    import torch
    from hymba_model import load

    model = load("DIR")                          # the folder with config.json and model.safetensors
    logits = model(torch.tensor([[1, 2, 3]]))    # [batch, length] token ids -> [batch, length, vocabulary]

`python3 hymba_model.py DIR 1 2 3 --tokens 20` continues these token ids with the most probable ones.

Letters: B batch, T positions (meta tokens first), D model, H query heads, G key-value heads, K key width, Kv value width,
I inner channels of Mamba, N states, R rank of the step size.
"""

import argparse
import json
import os

import torch
import torch.nn.functional as F
from torch import nn


def linear(inputs, outputs):
    return nn.Linear(inputs, outputs, bias=False)


class Norm(nn.Module):
    def __init__(self, width, eps):
        super().__init__()
        self.weight, self.eps = nn.Parameter(torch.ones(width)), eps

    def forward(self, x):
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.eps) * self.weight


class CausalConv(nn.Conv1d):
    """Each channel by itself, over a position and those before it, then SiLU. x [B, T, channels]."""

    def __init__(self, channels, taps):
        super().__init__(channels, channels, taps, groups=channels)

    def forward(self, x):
        return F.silu(super().forward(F.pad(x.transpose(1, 2), (self.kernel_size[0] - 1, 0))).transpose(1, 2))


def add_own_projections(branch, c, inputs, outputs, separate):
    """The projections that a branch has to itself: all four with a branchWidth, one with separate outputs, or none."""
    D, width = c["dModel"], c["branchWidth"]
    if width:
        branch.enter, branch.in_proj = linear(D, width), linear(width, inputs)
        branch.out_proj, branch.leave = linear(outputs, width), linear(width, D)
    elif separate:
        branch.out_proj = linear(outputs, D)


class Attention(nn.Module):
    """Grouped queries with rotary embedding. A layer that does not own keys and values uses those of another layer."""

    def __init__(self, c, layer, separate):
        super().__init__()
        self.H, self.G, self.K, self.Kv = c["nHeads"], c["nKvHeads"], c["headDim"], c["valueHeadDim"]
        self.owns, self.window, self.meta = layer["ownsKeys"], layer["window"], c["metaTokens"]
        self.channels = self.H * self.K + (self.G * (self.K + self.Kv) if self.owns else 0)
        add_own_projections(self, c, self.channels, self.H * self.Kv, separate)
        self.conv = CausalConv(self.channels, c["attentionConv"]) if c["attentionConv"] else None

    def heads(self, x, width, angles=None):
        x = x.unflatten(-1, (-1, width)).transpose(1, 2)
        if angles is None:
            return x
        (a, b), (cos, sin) = x.chunk(2, -1), angles
        return torch.cat((a * cos - b * sin, a * sin + b * cos), -1)

    def forward(self, rows, shared, angles):
        """rows [B, T, Q | K | V]; returns [B, T, H Kv] and the keys and values, [B, G, T, K] and [B, G, T, Kv]."""
        if self.conv is not None:
            rows = self.conv(rows)
        q = self.heads(rows[..., : self.H * self.K], self.K, angles)
        if self.owns:
            k, v = rows[..., self.H * self.K :].split((self.G * self.K, self.G * self.Kv), -1)
            shared = self.heads(k, self.K, angles), self.heads(v, self.Kv)
        k, v = (x.repeat_interleave(self.H // self.G, 1) for x in shared)
        t = torch.arange(rows.shape[1], device=rows.device)
        distance = t[:, None] - t[None, :]
        seen = distance >= 0
        if self.window:  # the last `window` keys, itself among them, and all meta tokens
            seen = seen & ((distance < self.window) | (t[None, :] < self.meta))
        scores = (q @ k.transpose(2, 3) / self.K**0.5).masked_fill(~seen, float("-inf"))
        return (scores.softmax(-1) @ v).transpose(1, 2).flatten(2), shared


class Mamba(nn.Module):
    """Causal convolution, selective scan and gate; with the state off, convolution and gate alone."""

    def __init__(self, c, separate):
        super().__init__()
        D, self.I, self.N, self.R = c["dModel"], c["innerDim"], c["stateSize"], c["dtRank"]
        self.scans = c["state"] == "on"
        add_own_projections(self, c, 2 * self.I, self.I, separate)
        self.conv = CausalConv(self.I, c["convKernel"])
        if not self.scans:
            self.z_proj = linear(D, self.I)
            return
        self.x_proj, self.dt_proj = linear(self.I, self.R + 2 * self.N), nn.Linear(self.R, self.I)
        self.A_log, self.D = nn.Parameter(torch.zeros(self.I, self.N)), nn.Parameter(torch.ones(self.I))
        norms = c["innerNorms"]
        self.dt_norm, self.b_norm, self.c_norm = (
            Norm(width, c["normEps"]) if norms else nn.Identity() for width in (self.R, self.N, self.N)
        )

    def forward(self, rows, h):
        """rows [B, T, x | z], or x alone with the state off; h [B, T, D]; returns [B, T, I]."""
        u = self.conv(rows[..., : self.I])
        if not self.scans:
            return F.silu(self.z_proj(h)) * u
        dt, b, c = self.x_proj(u).split((self.R, self.N, self.N), -1)
        dt, b, c = F.softplus(self.dt_proj(self.dt_norm(dt))), self.b_norm(b), self.c_norm(c)
        A, state, y = -torch.exp(self.A_log), u.new_zeros(u.shape[0], self.I, self.N), []
        for t in range(u.shape[1]):
            step = dt[:, t, :, None]
            state = torch.exp(step * A) * state + step * u[:, t, :, None] * b[:, t, None, :]
            y.append((state * c[:, t, None, :]).sum(-1))
        return (torch.stack(y, 1) + self.D * u) * F.silu(rows[..., self.I :])


class Fusion(nn.Module):
    """Joins the outputs of both branches."""

    def __init__(self, c, width):
        super().__init__()
        self.kind = c["fusion"]
        if self.kind == "mean":
            self.attention, self.mamba = Norm(width, c["normEps"]), Norm(width, c["normEps"])
        if self.kind == "gate":
            self.gate = nn.Parameter(torch.zeros(1))

    def forward(self, a, m):
        if self.kind == "mean":
            return 0.5 * (self.attention(a) + self.mamba(m))
        if self.kind == "concat":
            return torch.cat((a, m), -1)
        if self.kind == "sum":
            return a + m
        share = torch.sigmoid(self.gate)
        return share * a + (1 - share) * m


class Layer(nn.Module):
    def __init__(self, c, layer):
        super().__init__()
        D, I, F_, eps, width = c["dModel"], c["innerDim"], c["ffnHidden"], c["normEps"], c["branchWidth"]
        both = layer["attention"] and layer["mamba"]
        separate = both and c["separateOutputs"]
        self.owner, self.branch_width = layer["kvOwner"], width
        self.norm1, self.norm2 = Norm(D, eps), Norm(D, eps)
        self.attention = Attention(c, layer, separate) if layer["attention"] else None
        self.mamba = Mamba(c, separate) if layer["mamba"] else None
        self.fusion = Fusion(c, D if separate or width else I) if both else None
        self.own_outputs = bool(separate or width)
        self.attended = self.attention.channels if self.attention else 0
        if not width:
            scanned = (2 if c["state"] == "on" else 1) * I if self.mamba else 0
            self.in_proj = linear(D, self.attended + scanned)
        if not self.own_outputs:
            joined = (2 * I if c["fusion"] == "concat" else I) if both else I if self.mamba else c["nHeads"] * c["valueHeadDim"]
            self.out_proj = linear(joined, D)
        self.ffn = nn.ModuleDict({"gate_up": linear(D, 2 * F_), "down": linear(F_, D)})

    def leave(self, branch, y):
        if not self.own_outputs:
            return y
        y = branch.out_proj(y)
        return branch.leave(y) if self.branch_width else y

    def mixed(self, h, shared, angles):
        a = m = None
        if self.branch_width:
            rows = {branch: branch.in_proj(branch.enter(h)) for branch in (self.attention, self.mamba) if branch}
        else:
            both = self.in_proj(h)
            rows = {self.attention: both[..., : self.attended], self.mamba: both[..., self.attended :]}
        if self.attention:
            a, shared[self.owner] = self.attention(rows[self.attention], shared.get(self.owner), angles)
            a = self.leave(self.attention, a)
        if self.mamba:
            m = self.leave(self.mamba, self.mamba(rows[self.mamba], h))
        y = self.fusion(a, m) if self.fusion else a if m is None else m
        return y if self.own_outputs else self.out_proj(y)

    def forward(self, x, shared, angles):
        x = x + self.mixed(self.norm1(x), shared, angles)
        gate, up = self.ffn["gate_up"](self.norm2(x)).chunk(2, -1)
        return x + self.ffn["down"](F.silu(gate) * up)


class HymbaModel(nn.Module):
    """`config` is what config.json holds."""

    def __init__(self, config):
        super().__init__()
        c = self.config = config["model"]
        self.embedding = nn.Embedding(c["vocabSize"], c["dModel"])
        self.meta = nn.Parameter(torch.zeros(c["metaTokens"], c["dModel"])) if c["metaTokens"] else None
        self.layers = nn.ModuleList([Layer(c, layer) for layer in config["layers"]])
        self.final_norm = Norm(c["dModel"], c["normEps"])

    def angles(self, positions, device):
        """cos and sin of position * base^(-2i/K), [positions, K/2] each."""
        K, base = self.config["headDim"], self.config["ropeBase"]
        rates = base ** (-torch.arange(0, K, 2, dtype=torch.float64) / K)
        angles = torch.arange(positions, dtype=torch.float64)[:, None] * rates
        return angles.cos().float().to(device), angles.sin().float().to(device)

    def forward(self, ids):
        x, M, shared = self.embedding(ids), self.config["metaTokens"], {}
        if M:
            x = torch.cat((self.meta.expand(ids.shape[0], -1, -1), x), 1)
        angles = self.angles(x.shape[1], x.device)
        for layer in self.layers:
            x = layer(x, shared, angles)
        return F.linear(self.final_norm(x)[:, M:], self.embedding.weight)  # the embedding is also the output head


def read_safetensors(path):
    """Float32 tensors by name. The package safetensors does the same; this needs nothing but PyTorch."""
    with open(path, "rb") as file:
        header, data = json.loads(file.read(int.from_bytes(file.read(8), "little"))), bytearray(file.read())
    header.pop("__metadata__", None)
    whole = torch.frombuffer(data, dtype=torch.float32)
    return {
        name: whole[entry["data_offsets"][0] // 4 : entry["data_offsets"][1] // 4].view(entry["shape"])
        for name, entry in header.items()
    }


def load(folder):
    with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
        model = HymbaModel(json.load(file))
    model.load_state_dict(read_safetensors(os.path.join(folder, "model.safetensors")))
    return model.eval()


def main():
    parser = argparse.ArgumentParser(description="Continues token ids with the most probable ones.")
    parser.add_argument("folder")
    parser.add_argument("ids", type=int, nargs="+")
    parser.add_argument("--tokens", type=int, default=20)
    given = parser.parse_args()
    model, ids = load(given.folder), list(given.ids)
    with torch.inference_mode():
        for _ in range(given.tokens):
            ids.append(int(model(torch.tensor([ids]))[0, -1].argmax()))
    print(*ids)


if __name__ == "__main__":
    main()
