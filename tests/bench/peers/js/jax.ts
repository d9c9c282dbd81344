/** jax-js, used as its documentation shows: functions of a tree of arrays, `valueAndGrad`, and one `jit` for the whole step. */
import { offerDawn } from "./dawn.ts";
import { at, present } from "../../../../core/lists.ts";
import { OPTIMIZER, type Peer, peerLayout, rotaryOf, type Start, type Task, type Trainee } from "./task.ts";

const PACKAGE = "npm:@jax-js/jax@0.1.25";

/** The part of an array's type that is used here. A use consumes the array, unless it is a use of `ref`. */
interface Arr {
  readonly ref: Arr;
  readonly shape: number[];
  add(x: Arr | number): Arr;
  sub(x: Arr | number): Arr;
  mul(x: Arr | number): Arr;
  div(x: Arr | number): Arr;
  sum(axis?: number): Arr;
  reshape(shape: number[]): Arr;
  slice(...index: (number | [] | [number, number] | null | Arr)[]): Arr;
  transpose(axes?: number[]): Arr;
  data(): Promise<Float32Array>;
  dispose(): void;
}

type Tree = Record<string, Arr>;

interface Jax {
  init(device: string): Promise<string[]>;
  defaultDevice(device: string): void;
  jit<F>(f: F): F;
  valueAndGrad<A extends unknown[]>(f: (tree: Tree, ...rest: A) => Arr): (tree: Tree, ...rest: A) => [Arr, Tree];
  blockUntilReady(x: Arr): Promise<Arr>;
  readonly tree: { ref<T>(tree: T): T };
  readonly nn: {
    silu(x: Arr): Arr;
    softplus(x: Arr): Arr;
    logSoftmax(x: Arr, axis: number): Arr;
    oneHot(x: Arr, classes: number): Arr;
    dotProductAttention(q: Arr, k: Arr, v: Arr, options: { isCausal: boolean }): Arr;
  };
  readonly numpy: {
    readonly int32: unknown;
    array(values: Float32Array | Int32Array, options: { shape: number[]; dtype?: unknown }): Arr;
    zeros(shape: readonly number[]): Arr;
    take(x: Arr, indices: Arr, axis: number): Arr;
    split(x: Arr, at: number | number[], axis: number): Arr[];
    concatenate(xs: Arr[], axis: number): Arr;
    stack(xs: Arr[], axis: number): Arr;
    matmul(x: Arr, y: Arr): Arr;
    mean(x: Arr, axis?: number, options?: { keepdims: boolean }): Arr;
    pad(x: Arr, widths: [number, number][]): Arr;
    square(x: Arr): Arr;
    sqrt(x: Arr): Arr;
    reciprocal(x: Arr): Arr;
    exp(x: Arr): Arr;
    minimum(x: Arr, y: Arr | number): Arr;
    einsum(how: string, ...xs: Arr[]): Arr;
  };
}

type Of = (name: string) => Arr;

/** RMSNorm over the last axis. */
const norm = ({ numpy: np }: Jax, x: Arr, { w, eps }: { w: Arr; eps: number }): Arr =>
  x.ref.div(np.sqrt(np.mean(np.square(x), -1, { keepdims: true }).add(eps))).mul(w);

/** Causal attention with rotary embedding: qkv [B, T, (H + 2G) K] to [B, T, H K]. */
function attentionOf({ nn, numpy: np }: Jax, task: Task) {
  const { B, T, config: { nHeads: H, nKvHeads: G, headDim: K } } = task, table = rotaryOf(task);

  function rotate(x: Arr): Arr {
    const shape = [T, 1, K / 2], cos = np.array(table.cos, { shape }), sin = np.array(table.sin, { shape });
    const [a, b] = np.split(x, [K / 2], -1) as [Arr, Arr];
    return np.concatenate([a.ref.mul(cos.ref).sub(b.ref.mul(sin.ref)), a.mul(sin).add(b.mul(cos))], -1);
  }

  return (qkv: Arr): Arr => {
    const [q, k, v] = np.split(qkv, [H * K, (H + G) * K], -1) as [Arr, Arr, Arr];
    const heads = (x: Arr, count: number) => x.reshape([B, T, count, K]);
    const out = nn.dotProductAttention(rotate(heads(q, H)), rotate(heads(k, G)), heads(v, G), { isCausal: true });
    return out.reshape([B, T, H * K]);
  };
}

/** The selective scan: y [B, T, I] from all states [B, T, I, N], in log2 T rounds. Each combines a position with one 1, 2, 4, … earlier. */
function scan({ numpy: np }: Jax, T: number, { decay, h, c }: { decay: Arr; h: Arr; c: Arr }): Arr {
  const later = (x: Arr, by: number) => np.pad(x.slice([], [0, T - by]), [[0, 0], [by, 0], [0, 0], [0, 0]]);
  for (let by = 1; by < T; by *= 2) {
    h = h.ref.add(decay.ref.mul(later(h, by)));
    decay = 2 * by < T ? decay.ref.mul(later(decay, by)) : decay;
  }
  decay.dispose();
  return np.einsum("btin,btn->bti", h, c);
}

/** The Mamba mixer: xz [B, T, 2I] to [B, T, I]. */
function mambaOf(jax: Jax, { B, T, config }: Task) {
  const { innerDim: I, stateSize: N, dtRank: R, convKernel: J } = config, { nn, numpy: np } = jax;
  return (xz: Arr, of: Of): Arr => {
    const [x, z] = np.split(xz, [I], -1) as [Arr, Arr], padded = np.pad(x, [[0, 0], [J - 1, 0], [0, 0]]);
    const taps = np.split(of("conv.w").transpose(), J, 0);
    const filtered = taps.map((tap, j) => padded.ref.slice([], [j, j + T]).mul(tap)).reduce((a, b) => a.add(b));
    padded.dispose();
    const u = nn.silu(filtered.add(of("conv.b")));
    const [step, b, c] = np.split(np.matmul(u.ref, of("x_proj")), [R, R + N], -1) as [Arr, Arr, Arr];
    const dt = nn.softplus(np.matmul(step, of("dt_proj.w")).add(of("dt_proj.b")));
    const decay = np.exp(dt.ref.reshape([B, T, I, 1]).mul(np.exp(of("a_log")).mul(-1)));
    const h = dt.mul(u.ref).reshape([B, T, I, 1]).mul(b.reshape([B, T, 1, N]));
    return scan(jax, T, { decay, h, c }).add(u.mul(of("d"))).mul(nn.silu(z));
  };
}

/** The loss as a function of the parameters. As jax-js demands, each array is used once, and `ref` gives another use. */
function lossOf(jax: Jax, task: Task) {
  const { nn, numpy: np } = jax, { B, T, config: { ffnHidden: F, nLayers, normEps: eps, vocabSize } } = task;
  const attention = attentionOf(jax, task), mamba = mambaOf(jax, task);
  return (p: Tree, ids: Arr, targets: Arr): Arr => {
    const parameter = (name: string) => present(p[name], name);
    let x = np.take(parameter("embedding").ref, ids, 0);
    for (let i = 0; i < nLayers; i++) {
      const of = (name: string) => parameter(`layers.${i}.${name}`);
      const inputs = np.matmul(norm(jax, x.ref, { w: of("norm1"), eps }), of("in_proj"));
      const mixed = task.model === "mamba" ? mamba(inputs, of) : attention(inputs);
      x = x.add(np.matmul(mixed, of("out_proj")));
      const gateUp = np.matmul(norm(jax, x.ref, { w: of("norm2"), eps }), of("ffn.gate_up"));
      const [gate, up] = np.split(gateUp, [F], -1) as [Arr, Arr];
      x = x.add(np.matmul(nn.silu(gate).mul(up), of("ffn.down")));
    }
    const last = norm(jax, x, { w: parameter("final_norm"), eps });
    const logits = np.matmul(last, parameter("embedding").transpose());
    return nn.logSoftmax(logits, -1).mul(nn.oneHot(targets, vocabSize)).sum().div(-B * T);
  };
}

/** One step of training: the loss, and the next parameters, first moments and second moments. `corrections` [2] are the divisors of the two moments. */
function stepOf(jax: Jax, task: Task) {
  const { valueAndGrad, tree, numpy: np } = jax, { beta1, beta2, eps, clip, rate, decay } = OPTIMIZER;
  const gradients = valueAndGrad(lossOf(jax, task));
  return (p: Tree, m: Tree, v: Tree, corrections: Arr, ids: Arr, targets: Arr): [Arr, Tree, Tree, Tree] => {
    const [loss, g] = gradients(tree.ref(p), ids, targets);
    const squares = Object.values(g).map((x) => np.square(x.ref).sum());
    const length = np.sqrt(squares.reduce((a, b) => a.add(b)));
    const factor = np.minimum(np.reciprocal(length.add(1e-6)).mul(clip), 1);
    const [c1, c2] = np.split(corrections, [1], 0) as [Arr, Arr],
      next: Record<"p" | "m" | "v", Tree> = { p: {}, m: {}, v: {} };
    for (const { name, decay: decays } of task.starts) {
      const of = (tree: Tree) => present(tree[name], name);
      const gradient = of(g).mul(factor.ref);
      const m1 = of(m).mul(beta1).add(gradient.ref.mul(1 - beta1));
      const v1 = of(v).mul(beta2).add(np.square(gradient).mul(1 - beta2));
      const update = m1.ref.div(c1.ref).div(np.sqrt(v1.ref.div(c2.ref)).add(eps)).mul(rate);
      next.p[name] = of(p).mul(1 - (decays ? rate * decay : 0)).sub(update);
      next.m[name] = m1;
      next.v[name] = v1;
    }
    return [loss, next.p, next.m, next.v];
  };
}

/** Loads jax-js with WebGPU on the adapter. */
async function load(adapter: string): Promise<Jax> {
  await offerDawn({ adapter });
  const jax: Jax = await import(PACKAGE), devices = await jax.init("webgpu");
  if (!devices.includes("webgpu")) throw new Error(`jax-js found no WebGPU, only ${devices.join(", ")}`);
  jax.defaultDevice("webgpu");
  return jax;
}

const sizeOf = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

async function open(task: Task, { adapter }: { adapter: string }): Promise<Trainee> {
  const jax = await load(adapter), { numpy: np } = jax;
  const trees = (of: (each: Start) => Arr): Tree =>
    Object.fromEntries(task.starts.map((each) => [each.name, of(each)]));
  let p = trees((each) => {
    const { values, shape } = peerLayout(each);
    return np.array(values, { shape: [...shape] });
  });
  const zeros = () => trees((each) => np.zeros(peerLayout(each).shape));
  let m = zeros(), v = zeros();
  const tokens = (ids: Task["ids"]) => np.array(Int32Array.from(ids), { shape: [task.B, task.T], dtype: np.int32 });
  const ids = tokens(task.ids), targets = tokens(task.targets);
  const step = jax.jit(stepOf(jax, task));
  let t = 0, last: Arr | undefined;
  return {
    parameters: task.starts.reduce((sum, { shape }) => sum + sizeOf(shape), 0),
    step: async () => {
      const c = np.array(Float32Array.of(1 - OPTIMIZER.beta1 ** ++t, 1 - OPTIMIZER.beta2 ** t), { shape: [2] });
      if (last) await jax.blockUntilReady(last);
      last?.dispose();
      const [loss, ...trained] = step(p, m, v, c, ids.ref, targets.ref);
      last = loss;
      p = trained[0];
      m = trained[1];
      v = trained[2];
    },
    loss: async () => at(await present(last, "a step").ref.data(), 0),
  };
}

export default { name: "jax-js", open } satisfies Peer;
