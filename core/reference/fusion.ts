/**
 * The mean of two weighted RMS norms in float64: y = ½ (wa · a · ra + wm · m · rm), ra = (mean(a²) + eps)^-½, rm likewise.
 * Source: Dong et al., "Hymba", 2024, eq. 3, with the mean that the published code takes.
 */
import { type Array64, dot, zeros, zerosLike } from "./typed_array.ts";
import type { Reference } from "./types.ts";

export const fusionForward: Reference<"fusion_forward"> = ({ a, m, wa, wm }, { R, I, eps }) => {
  const y = zeros(R, I), r = zeros(R, 2);
  for (let t = 0; t < R; t++) {
    const ra = 1 / Math.sqrt(dot(a.row(t), a.row(t)) / I + eps), rm = 1 / Math.sqrt(dot(m.row(t), m.row(t)) / I + eps);
    r.set(ra, t, 0);
    r.set(rm, t, 1);
    for (let i = 0; i < I; i++) {
      y.add(0.5 * wa.at(i) * a.at(t, i) * ra, t, i);
      y.add(0.5 * wm.at(i) * m.at(t, i) * rm, t, i);
    }
  }
  return { y, r };
};

/** The gradients of one branch x. With n = x · r and g = ½ dy · w: dx = r · (g − n · mean(g · n)), dw = Σ ½ dy · n. */
function branchBackward(
  { dy, x, w, r }: { dy: Array64; x: Array64; w: Array64; r: Array64 },
  { R, I, branch }: { R: number; I: number; branch: 0 | 1 },
) {
  const dx = zerosLike(x), dw = zerosLike(w);
  for (let t = 0; t < R; t++) {
    const scale = r.at(t, branch);
    let sum = 0;
    for (let i = 0; i < I; i++) sum += 0.5 * dy.at(t, i) * w.at(i) * x.at(t, i) * scale;
    for (let i = 0; i < I; i++) {
      dx.set(scale * (0.5 * dy.at(t, i) * w.at(i) - x.at(t, i) * scale * sum / I), t, i);
      dw.add(0.5 * dy.at(t, i) * x.at(t, i) * scale, i);
    }
  }
  return { dx, dw };
}

export const fusionBackward: Reference<"fusion_backward"> = ({ dy, a, m, wa, wm, r }, { R, I }) => {
  const { dx: da, dw: dwa } = branchBackward({ dy, x: a, w: wa, r }, { R, I, branch: 0 });
  const { dx: dm, dw: dwm } = branchBackward({ dy, x: m, w: wm, r }, { R, I, branch: 1 });
  return { da, dm, dwa, dwm };
};
