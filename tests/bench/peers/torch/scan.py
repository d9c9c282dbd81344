"""The selective scan as an autograd function: vectorised over batch, channels and states, a loop over time each way."""

import torch

# Positions worked on together: their states of the benchmark's batch (2 MB) stay in caches.
CHUNK = 16


class SelectiveScan(torch.autograd.Function):
    """
    h[t] = exp(dt[t] A) h[t-1] + dt[t] u[t] B[t], y[t] = C[t] h[t].
    Shapes: u, dt [batch, T, I], A [I, N], B, C [batch, T, N]; returns y [batch, T, I].
    States are kept for the way back, decays are computed again there.
    """

    @staticmethod
    def forward(ctx, u, dt, a, b, c):
        # Time in front, so that each position's states lie together: [T, batch, I, N].
        u, dt, b, c = (x.transpose(0, 1).contiguous() for x in (u, dt, b, c))
        states, y, scaled = u.new_empty(*u.shape, a.shape[1]), torch.empty_like(u), dt * u
        buffer = torch.empty_like(states[:CHUNK])
        before = None
        for start in range(0, len(u), CHUNK):
            part = slice(start, start + CHUNK)
            decay = decays(dt[part], a, buffer)
            h = torch.mul(scaled[part].unsqueeze(-1), b[part].unsqueeze(2), out=states[part])
            for t in range(len(h)):
                if before is not None:
                    h[t].addcmul_(decay[t], before)
                before = h[t]
            y[part] = torch.matmul(h, c[part].unsqueeze(-1)).squeeze(-1)
        ctx.save_for_backward(u, dt, a, b, c, states)
        return y.transpose(0, 1)

    @staticmethod
    def backward(ctx, dy):
        u, dt, a, b, c, states = ctx.saved_tensors
        dy, scaled = dy.transpose(0, 1).contiguous(), dt * u
        du, d_dt, db, dc = (torch.empty_like(x) for x in (u, dt, b, c))
        da = torch.zeros_like(a)
        buffers = [torch.empty_like(states[:CHUNK]) for _ in range(3)]
        after = None
        for start in reversed(range(0, len(u), CHUNK)):
            part = slice(start, start + CHUNK)
            decay = decays(dt[part], a, buffers[0])
            g = torch.mul(dy[part].unsqueeze(-1), c[part].unsqueeze(2), out=buffers[1][: len(decay)])
            if after is not None:
                g[-1] += after
            for t in range(len(g) - 2, -1, -1):
                g[t].addcmul_(decay[t + 1], g[t + 1])
            dc[part] = torch.matmul(dy[part].unsqueeze(2), states[part]).squeeze(2)
            db[part] = torch.matmul(scaled[part].unsqueeze(2), g).squeeze(2)
            through = torch.matmul(g, b[part].unsqueeze(-1)).squeeze(-1)
            du[part] = dt[part] * through
            carried = g.mul_(decay)
            after = carried[0].clone()
            if start == 0:
                carried[0] = 0  # The first position has no state before it.
                carried[1:] *= states[: len(carried) - 1]
            else:
                carried *= states[start - 1 : start - 1 + len(carried)]
            product = buffers[2][: len(carried)]
            d_dt[part] = u[part] * through + torch.mul(carried, a, out=product).sum(-1)
            da += torch.mul(carried, dt[part].unsqueeze(-1), out=product).sum((0, 1))
        return du.transpose(0, 1), d_dt.transpose(0, 1), da, db.transpose(0, 1), dc.transpose(0, 1)


def decays(dt, a, buffer):
    return torch.mul(dt.unsqueeze(-1), a, out=buffer[: len(dt)]).exp_()
