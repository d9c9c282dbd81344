"""Tokens per second of whole training steps in PyTorch: python3 train.py [--models a,b] [--threads N] [--runs N] [--check]"""

import argparse
import json
import statistics
import time

import torch
import torch.nn.functional as F

from blas import blas_core
from models import ARMS, Model, V
from scan import SelectiveScan

B, T, LEAST_SECONDS = 8, 128, 0.3


def plain_scan(u, dt, a, b, c):
    """The same recurrence as a loop that autograd differentiates."""
    h, outputs = 0, []
    for t in range(u.shape[1]):
        h = torch.exp(dt[:, t, :, None] * a) * h + (dt[:, t] * u[:, t])[..., None] * b[:, t, None]
        outputs.append((h * c[:, t, None]).sum(-1))
    return torch.stack(outputs, 1)


def check():
    """The scan and its hand-written gradients against autograd in float64; the last chunk is whole, cut short, or the only one."""
    torch.manual_seed(1)
    for length in (1, 2, 15, 16, 17, 32, 41):
        u, dt, dy = (torch.randn(2, length, 3, dtype=torch.float64) for _ in range(3))
        b, c = (torch.randn(2, length, 4, dtype=torch.float64) for _ in range(2))
        a = -torch.rand(3, 4, dtype=torch.float64)
        inputs = [x.requires_grad_() for x in (u, dt.abs().detach(), a, b, c)]
        results = []
        for scan in (SelectiveScan.apply, plain_scan):
            y = scan(*inputs)
            results.append([y, *torch.autograd.grad(y, inputs, dy)])
        for name, ours, truth in zip(("y", "du", "d_dt", "dA", "dB", "dC"), *results):
            error = (ours - truth).norm() / truth.norm().clamp_min(1e-300)
            if length > 1 or name not in ("d_dt", "dA"):
                assert error < 1e-12, f"{name} at length {length}: relative error {error:.1e}"
            else:
                assert torch.allclose(ours, truth, atol=1e-12), f"{name} at length 1"


def measure(arm, runs):
    torch.manual_seed(1)
    model = Model(arm, T)
    matrices = [p for p in model.parameters() if p.dim() > 1]
    others = [p for p in model.parameters() if p.dim() <= 1]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": others, "weight_decay": 0}]
    optimizer = torch.optim.AdamW(groups, lr=1e-4, betas=(0.9, 0.95), foreach=True)
    tokens = torch.randint(V, (B, T + 1))

    def step():
        loss = F.cross_entropy(model(tokens[:, :-1]).reshape(-1, V), tokens[:, 1:].reshape(-1))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return loss.item()

    def timed(count):
        start = time.perf_counter()
        for _ in range(count):
            step()
        return (time.perf_counter() - start) / count

    timed(1)
    count = max(1, int(-(-LEAST_SECONDS // timed(1))))
    seconds = [timed(count) for _ in range(runs)]
    return {
        "arm": arm,
        "parameters": sum(p.numel() for p in model.parameters()),
        "tokens_per_s": B * T / min(seconds),
        "median_tokens_per_s": B * T / statistics.median(seconds),
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--models", default=",".join(ARMS))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--check", action="store_true", help="test the gradient of the scan and measure nothing")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    if given.check:
        check()
        print("the scan and its gradients agree with autograd")
        return
    arms = [measure(arm, given.runs) for arm in given.models.split(",")]
    about = {"adapter": f"PyTorch {torch.__version__}", "blas_core": blas_core(), "threads": given.threads}
    print(json.dumps({**about, "arms": arms}))


main()
