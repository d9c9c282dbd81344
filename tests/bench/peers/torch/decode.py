"""One step of generation in PyTorch, as one would write it: caches, states, the likeliest token. `decode.ts` talks to it by lines.

    decode.py --about                        prints the versions of PyTorch and of its OpenBLAS kernels
    decode.py WEIGHTS CONFIG --threads N     CONFIG: JSON with the layers; WEIGHTS: our safetensors

`start ID…` runs the given tokens and prints the last logits; `round N` makes N tokens and prints the seconds and the processor's
seconds of all threads that they took.
"""

import json
import sys
import time

import numpy
import torch
import torch.nn.functional as F

from blas import blas_core

if sys.argv[1] == "--about":
    print(json.dumps({"torch": torch.__version__, "blas_core": blas_core()}))
    sys.exit()
CONFIG = json.loads(sys.argv[2])
H, G, K, KV, I, N, R, EPS = (CONFIG[name] for name in ("H", "G", "K", "Kv", "I", "N", "R", "eps"))
torch.set_num_threads(int(sys.argv[sys.argv.index("--threads") + 1]))


def load(path):
    with open(path, "rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header, data = json.loads(file.read(size)), file.read()
    return {
        name: torch.from_numpy(
            numpy.frombuffer(data[slice(*entry["data_offsets"])], numpy.float32).reshape(entry["shape"]).copy()
        )
        for name, entry in header.items()
        if name != "__metadata__"
    }


def norm(x, weight):
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + EPS) * weight


class Decoder:
    def __init__(self, weights, length):
        self.w, self.position, self.meta = weights, 0, CONFIG["meta"]
        total = length + self.meta
        angles = torch.arange(total)[:, None] / 10000 ** (torch.arange(0, K, 2) / K)
        self.cos, self.sin = angles.cos(), angles.sin()
        self.layers = []
        for index, layer in enumerate(CONFIG["layers"]):
            own = {name.split(".", 2)[2]: value for name, value in weights.items() if name.startswith(f"layers.{index}.")}
            slots = min(total, self.meta + layer["window"]) if layer["window"] else total
            if layer["owns"]:
                own["keys"], own["values"] = torch.zeros(1, G, slots, K), torch.zeros(1, G, slots, KV)
            if layer["mamba"]:
                own["A"], own["taps"] = -torch.exp(own["a_log"]), torch.zeros(1, own["conv.w"].shape[1] - 1, I)
                own["filter"], own["state"] = own["conv.w"].T.contiguous(), torch.zeros(1, I, N)
            self.layers.append((layer, own))

    def rotate(self, x):
        cos, sin = self.cos[self.position], self.sin[self.position]
        a, b = x.chunk(2, -1)
        return torch.cat((a * cos - b * sin, a * sin + b * cos), -1)

    def attend(self, layer, own, projected):
        window, position = layer["window"], self.position
        q = self.rotate(projected[:, : H * K].view(1, H, K))
        owner = self.layers[layer["owner"]][1]
        keys, values = owner["keys"], owner["values"]
        if layer["owns"]:
            slot = position if not window or position < self.meta else self.meta + (position - self.meta) % window
            keys[:, :, slot] = self.rotate(projected[:, H * K : (H + G) * K].view(1, G, K))
            values[:, :, slot] = projected[:, (H + G) * K : (H + G) * K + G * KV].view(1, G, KV)
        filled = min(position + 1, keys.shape[2])
        scores = q.view(1, G, H // G, K) @ keys[:, :, :filled].transpose(2, 3) / K**0.5
        return (scores.softmax(-1) @ values[:, :, :filled]).reshape(1, H * KV)

    def scan(self, own, x, z):
        inputs = torch.cat((own["taps"], x[:, None]), 1)
        own["taps"] = inputs[:, 1:]
        u = F.silu((inputs * own["filter"]).sum(1) + own["conv.b"])
        dt, b, c = F.linear(u, own["x_proj"]).split((R, N, N), -1)
        if "dt_norm" in own:
            dt, b, c = norm(dt, own["dt_norm"]), norm(b, own["b_norm"]), norm(c, own["c_norm"])
        dt = F.softplus(F.linear(dt, own["dt_proj.w"], own["dt_proj.b"]))
        own["state"] = torch.exp(dt[..., None] * own["A"]) * own["state"] + (dt * u)[..., None] * b[:, None]
        return ((own["state"] * c[:, None]).sum(-1) + u * own["d"]) * F.silu(z)

    def step(self, x):
        for layer, own in self.layers:
            projected = F.linear(norm(x, own["norm1"]), own["in_proj"])
            mixed = self.attend(layer, own, projected) if layer["attention"] else None
            if layer["mamba"]:
                first = projected.shape[1] - 2 * I
                scanned = self.scan(own, projected[:, first : first + I], projected[:, first + I :])
                mixed = scanned if mixed is None else 0.5 * (
                    norm(mixed, own["fusion.attention"]) + norm(scanned, own["fusion.mamba"])
                )
            x = x + F.linear(mixed, own["out_proj"])
            gate, up = F.linear(norm(x, own["norm2"]), own["ffn.gate_up"]).chunk(2, -1)
            x = x + F.linear(F.silu(gate) * up, own["ffn.down"])
        self.position += 1
        return F.linear(norm(x, self.w["final_norm"]), self.w["embedding"])

    def feed(self, token):
        return self.step(self.w["embedding"][token])


def main():
    decoder = Decoder(load(sys.argv[1]), CONFIG["length"])
    with torch.inference_mode():
        for row in range(decoder.meta):
            decoder.step(decoder.w["meta"][row : row + 1])
        for line in sys.stdin:
            word, *numbers = line.split()
            if word == "start":
                for id in numbers:
                    logits = decoder.feed(torch.tensor([int(id)]))
                print(json.dumps(logits[0].tolist()), flush=True)
            else:
                token, begun, busy = logits.argmax(-1), time.perf_counter(), time.process_time()
                for _ in range(int(numbers[0])):
                    logits = decoder.feed(token)
                    token = logits.argmax(-1)
                last = int(token)
                taken = {"seconds": time.perf_counter() - begun, "processor": time.process_time() - busy}
                print(json.dumps({**taken, "token": last}), flush=True)


main()
