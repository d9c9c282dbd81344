/** jax-js, as its users write a model: plain functions of a tree of arrays, `valueAndGrad`, one `jit` around the whole step. */
import { offerDawn } from "./dawn.ts";
import { OPTIMIZER, type Peer, rotaryOf, type Task, type Trainee, turned } from "./task.ts";

const PACKAGE = "npm:@jax-js/jax@0.1.25";

/** What is used of an array. Each use consumes it, unless it is taken by `ref`. */
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

/** The model as a function of its parameters; each is used where it stands, and so is every array. */
function lossOf({ nn, numpy: np }: Jax, task: Task) {
  const { config, B, T } = task, { nHeads: H, nKvHeads: G, headDim: K, ffnHidden: F } = config;
  const { innerDim: I, stateSize: N, dtRank: R, convKernel: J, nLayers, normEps, vocabSize } = config;
  const table = rotaryOf(task);

  const norm = (x: Arr, w: Arr) =>
    x.ref.div(np.sqrt(np.mean(np.square(x), -1, { keepdims: true }).add(normEps))).mul(w);

  function rotate(x: Arr): Arr {
    const shape = [T, 1, K / 2], cos = np.array(table.cos, { shape }), sin = np.array(table.sin, { shape });
    const [a, b] = np.split(x, [K / 2], -1) as [Arr, Arr];
    return np.concatenate([a.ref.mul(cos.ref).sub(b.ref.mul(sin.ref)), a.mul(sin).add(b.mul(cos))], -1);
  }

  function attention(qkv: Arr): Arr {
    const [q, k, v] = np.split(qkv, [H * K, (H + G) * K], -1) as [Arr, Arr, Arr];
    const heads = (x: Arr, count: number) => x.reshape([B, T, count, K]);
    const out = nn.dotProductAttention(rotate(heads(q, H)), rotate(heads(k, G)), heads(v, G), { isCausal: true });
    return out.reshape([B, T, H * K]);
  }

  /** Every state [B, T, I, N] in log2 T rounds, each of which joins a position with the one 1, 2, 4, … before. */
  function scan(decay: Arr, h: Arr, c: Arr): Arr {
    const later = (x: Arr, by: number) => np.pad(x.slice([], [0, T - by]), [[0, 0], [by, 0], [0, 0], [0, 0]]);
    for (let by = 1; by < T; by *= 2) {
      h = h.ref.add(decay.ref.mul(later(h, by)));
      decay = 2 * by < T ? decay.ref.mul(later(decay, by)) : decay;
    }
    decay.dispose();
    return np.einsum("btin,btn->bti", h, c);
  }

  function mamba(xz: Arr, of: (name: string) => Arr): Arr {
    const [x, z] = np.split(xz, [I], -1) as [Arr, Arr], padded = np.pad(x, [[0, 0], [J - 1, 0], [0, 0]]);
    const taps = np.split(of("conv.w").transpose(), J, 0);
    const filtered = taps.map((tap, j) => padded.ref.slice([], [j, j + T]).mul(tap)).reduce((a, b) => a.add(b));
    padded.dispose();
    const u = nn.silu(filtered.add(of("conv.b")));
    const [step, b, c] = np.split(np.matmul(u.ref, of("x_proj")), [R, R + N], -1) as [Arr, Arr, Arr];
    const dt = nn.softplus(np.matmul(step, of("dt_proj.w")).add(of("dt_proj.b")));
    const decay = np.exp(dt.ref.reshape([B, T, I, 1]).mul(np.exp(of("a_log")).mul(-1)));
    const input = dt.mul(u.ref).reshape([B, T, I, 1]).mul(b.reshape([B, T, 1, N]));
    const y = scan(decay, input, c);
    return y.add(u.mul(of("d"))).mul(nn.silu(z));
  }

  return (p: Tree, ids: Arr, targets: Arr): Arr => {
    let x = np.take(p.embedding!.ref, ids, 0);
    for (let i = 0; i < nLayers; i++) {
      const of = (name: string) => p[`layers.${i}.${name}`]!;
      const inputs = np.matmul(norm(x.ref, of("norm1")), of("in_proj"));
      const mixed = task.model === "mamba" ? mamba(inputs, of) : attention(inputs);
      x = x.add(np.matmul(mixed, of("out_proj")));
      const [gate, up] = np.split(np.matmul(norm(x.ref, of("norm2")), of("ffn.gate_up")), [F], -1) as [Arr, Arr];
      x = x.add(np.matmul(nn.silu(gate).mul(up), of("ffn.down")));
    }
    const logits = np.matmul(norm(x, p.final_norm!), p.embedding!.transpose());
    return nn.logSoftmax(logits, -1).mul(nn.oneHot(targets, vocabSize)).sum().div(-B * T);
  };
}

/** One step of training: [loss, parameters, first moments, second moments] from the last. */
function stepOf(jax: Jax, task: Task) {
  const { valueAndGrad, tree, numpy: np } = jax, { beta1, beta2, eps, clip, rate, decay } = OPTIMIZER;
  const gradients = valueAndGrad(lossOf(jax, task));
  return (p: Tree, m: Tree, v: Tree, corrections: Arr, ids: Arr, targets: Arr): [Arr, Tree, Tree, Tree] => {
    const [loss, g] = gradients(tree.ref(p), ids, targets);
    const squares = Object.values(g).map((x) => np.square(x.ref).sum());
    const length = np.sqrt(squares.reduce((a, b) => a.add(b)));
    const factor = np.minimum(np.reciprocal(length.add(1e-6)).mul(clip), 1);
    const [c1, c2] = np.split(corrections, [1], 0) as [Arr, Arr], next: [Tree, Tree, Tree] = [{}, {}, {}];
    for (const { name, decay: decays } of task.starts) {
      const gradient = g[name]!.mul(factor.ref);
      const m1 = m[name]!.mul(beta1).add(gradient.ref.mul(1 - beta1));
      const v1 = v[name]!.mul(beta2).add(np.square(gradient).mul(1 - beta2));
      const update = m1.ref.div(c1.ref).div(np.sqrt(v1.ref.div(c2.ref)).add(eps)).mul(rate);
      next[0][name] = p[name]!.mul(1 - (decays ? rate * decay : 0)).sub(update);
      [next[1][name], next[2][name]] = [m1, v1];
    }
    return [loss, ...next];
  };
}

async function open(task: Task, { adapter }: { adapter: string }): Promise<Trainee> {
  await offerDawn({ adapter });
  const jax: Jax = await import(PACKAGE), { numpy: np } = jax;
  const devices = await jax.init("webgpu");
  if (!devices.includes("webgpu")) throw new Error(`jax-js found no WebGPU, only ${devices.join(", ")}`);
  jax.defaultDevice("webgpu");
  const start = (each: Task["starts"][number]): Arr =>
    each.shape.length === 2 && /_proj|gate_up|down/.test(each.name)
      ? np.array(turned(each), { shape: [...each.shape].reverse() })
      : np.array(each.values, { shape: [...each.shape] });
  const trees = (of: (each: Task["starts"][number]) => Arr): Tree =>
    Object.fromEntries(task.starts.map((each) => [each.name, of(each)]));
  let p = trees(start);
  const zeros = () => trees(({ name }) => np.zeros(p[name]!.shape));
  let m = zeros(), v = zeros();
  const ids = np.array(Int32Array.from(task.ids), { shape: [task.B, task.T], dtype: np.int32 });
  const targets = np.array(Int32Array.from(task.targets), { shape: [task.B, task.T], dtype: np.int32 });
  const step = jax.jit(stepOf(jax, task));
  let t = 0, last: Arr | undefined;
  return {
    parameters: task.starts.reduce((sum, { name }) => sum + p[name]!.shape.reduce((a, b) => a * b, 1), 0),
    step: async () => {
      const c = np.array(Float32Array.of(1 - OPTIMIZER.beta1 ** ++t, 1 - OPTIMIZER.beta2 ** t), { shape: [2] });
      if (last) await jax.blockUntilReady(last);
      last?.dispose();
      [last, p, m, v] = step(p, m, v, c, ids.ref, targets.ref);
    },
    loss: async () => (await last!.ref.data())[0]!,
  };
}
export default { name: "jax-js", open } satisfies Peer;
