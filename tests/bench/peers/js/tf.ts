/** TF.js, used as its documentation shows: variables, `variableGrads`, and an optimizer of the library. */
import { offerDawn } from "./dawn.ts";
import { at, present } from "../../../../core/lists.ts";
import { OPTIMIZER, type Peer, peerLayout, rotaryOf, type Task, type Trainee } from "./task.ts";

const CORE = "npm:@tensorflow/tfjs@4.22.0", BACKEND = "npm:@tensorflow/tfjs-backend-webgpu@4.22.0";

interface Tensor {
  readonly shape: number[];
  data(): Promise<Float32Array>;
  dispose(): void;
}

interface Variable extends Tensor {
  readonly name: string;
  assign(x: Tensor): void;
}

type Named = Record<string, Tensor>;

interface Tf {
  setBackend(name: string): Promise<boolean>;
  ready(): Promise<void>;
  getBackend(): string;
  tidy<T>(work: () => T): T;
  keep<T extends Tensor>(x: T): T;
  tensor(values: Float32Array | Int32Array, shape: readonly number[], dtype?: "int32"): Tensor;
  variable(x: Tensor, trainable: boolean, name: string): Variable;
  variableGrads(f: () => Tensor): { value: Tensor; grads: Named };
  readonly train: {
    adam(rate: number, beta1: number, beta2: number, eps: number): { applyGradients(grads: Named): void };
  };
  readonly losses: { softmaxCrossEntropy(labels: Tensor, logits: Tensor): Tensor };
  add(x: Tensor, y: Tensor | number): Tensor;
  sub(x: Tensor, y: Tensor | number): Tensor;
  mul(x: Tensor, y: Tensor | number): Tensor;
  div(x: Tensor | number, y: Tensor | number): Tensor;
  exp(x: Tensor): Tensor;
  sqrt(x: Tensor): Tensor;
  rsqrt(x: Tensor): Tensor;
  square(x: Tensor): Tensor;
  sum(x: Tensor, axis?: number): Tensor;
  mean(x: Tensor, axis: number, keepDims: boolean): Tensor;
  minimum(x: Tensor, y: number): Tensor;
  neg(x: Tensor): Tensor;
  sigmoid(x: Tensor): Tensor;
  softplus(x: Tensor): Tensor;
  softmax(x: Tensor, axis: number): Tensor;
  gather(x: Tensor, indices: Tensor): Tensor;
  oneHot(x: Tensor, depth: number): Tensor;
  split<N extends number>(x: Tensor, sizes: number[] | N, axis: number): Tensor[];
  concat(xs: Tensor[], axis: number): Tensor;
  stack(xs: Tensor[], axis: number): Tensor;
  unstack(x: Tensor, axis: number): Tensor[];
  expandDims(x: Tensor, axis: number): Tensor;
  pad(x: Tensor, widths: [number, number][]): Tensor;
  reshape(x: Tensor, shape: readonly number[]): Tensor;
  transpose(x: Tensor, axes: number[]): Tensor;
  matMul(x: Tensor, y: Tensor, transposeX?: boolean, transposeY?: boolean): Tensor;
  depthwiseConv2d(x: Tensor, w: Tensor, strides: number, pad: string): Tensor;
}

type Of = (name: string) => Tensor;

/** RMSNorm over the last axis. */
const norm = (tf: Tf, x: Tensor, { w, eps }: { w: Tensor; eps: number }) =>
  tf.mul(tf.mul(x, tf.rsqrt(tf.add(tf.mean(tf.square(x), -1, true), eps))), w);
const silu = (tf: Tf, x: Tensor) => tf.mul(x, tf.sigmoid(x));

/** Causal attention with rotary embedding: qkv [B T, (H + 2G) K] to [B T, H K]. */
function attentionOf(tf: Tf, task: Task) {
  const { B, T, config: { nHeads: H, nKvHeads: G, headDim: K } } = task, table = rotaryOf(task), shape = [T, 1, K / 2];
  const cos = tf.tensor(table.cos, shape), sin = tf.tensor(table.sin, shape);
  const masked = Float32Array.from({ length: T * T }, (_, i) => i % T > Math.floor(i / T) ? -1e9 : 0);
  const mask = tf.tensor(masked, [T, T]), rows = H / G * T;
  const heads = (x: Tensor, count: number) => tf.reshape(x, [B, T, count, K]);
  const headsFirst = (x: Tensor) => tf.transpose(x, [0, 2, 1, 3]);

  function rotate(x: Tensor): Tensor {
    const [a, b] = tf.split(x, 2, -1) as [Tensor, Tensor];
    return tf.concat([tf.sub(tf.mul(a, cos), tf.mul(b, sin)), tf.add(tf.mul(a, sin), tf.mul(b, cos))], -1);
  }

  /** The query heads of a group become rows, so keys and values are not repeated. */
  return (qkv: Tensor): Tensor => {
    const [q, k, v] = tf.split(qkv, [H * K, G * K, G * K], -1) as [Tensor, Tensor, Tensor];
    const queries = tf.reshape(headsFirst(rotate(heads(q, H))), [B, G, rows, K]);
    const scores = tf.matMul(queries, headsFirst(rotate(heads(k, G))), false, true);
    const seen = tf.add(tf.mul(tf.reshape(scores, [B, H, T, T]), 1 / Math.sqrt(K)), mask);
    const weights = tf.reshape(tf.softmax(seen, -1), [B, G, rows, T]);
    const out = tf.reshape(tf.matMul(weights, headsFirst(heads(v, G))), [B, H, T, K]);
    return tf.reshape(headsFirst(out), [B * T, H * K]);
  };
}

/** The selective scan: a loop over positions gives the states, and one product gives y [B, T, I]. */
function scan(tf: Tf, decay: Tensor, { input, c }: { input: Tensor; c: Tensor }): Tensor {
  const inputs = tf.unstack(input, 1), states: Tensor[] = [];
  for (const [t, decayed] of tf.unstack(decay, 1).entries()) {
    const given = at(inputs, t);
    states.push(t === 0 ? given : tf.add(tf.mul(at(states, t - 1), decayed), given));
  }
  const product = tf.matMul(tf.stack(states, 1), tf.expandDims(c, 3));
  return tf.reshape(product, product.shape.slice(0, 3));
}

/** The Mamba mixer: xz [B T, 2I] to [B T, I]. */
function mambaOf(tf: Tf, { B, T, config }: Task) {
  const { innerDim: I, stateSize: N, dtRank: R, convKernel: J } = config;
  return (xz: Tensor, of: Of): Tensor => {
    const [x, z] = tf.split(tf.reshape(xz, [B, T, 2 * I]), [I, I], -1) as [Tensor, Tensor];
    const padded = tf.reshape(tf.pad(x, [[0, 0], [J - 1, 0], [0, 0]]), [B, T + J - 1, 1, I]);
    const taps = tf.reshape(tf.transpose(of("conv.w"), [1, 0]), [J, 1, I, 1]);
    const filtered = tf.reshape(tf.depthwiseConv2d(padded, taps, 1, "valid"), [B * T, I]);
    const u = silu(tf, tf.add(filtered, of("conv.b")));
    const [step, b, c] = tf.split(tf.matMul(u, of("x_proj")), [R, N, N], -1) as [Tensor, Tensor, Tensor];
    const dt = tf.softplus(tf.add(tf.matMul(step, of("dt_proj.w")), of("dt_proj.b")));
    const decay = tf.exp(tf.mul(tf.reshape(dt, [B, T, I, 1]), tf.neg(tf.exp(of("a_log")))));
    const input = tf.mul(tf.reshape(tf.mul(dt, u), [B, T, I, 1]), tf.reshape(b, [B, T, 1, N]));
    const y = tf.reshape(scan(tf, decay, { input, c: tf.reshape(c, [B, T, N]) }), [B * T, I]);
    return tf.mul(tf.add(y, tf.mul(u, of("d"))), silu(tf, tf.reshape(z, [B * T, I])));
  };
}

/** The loss as a function of the variables. */
function lossOf(tf: Tf, task: Task, of: Of) {
  const { B, T, config: { ffnHidden: F, nLayers, normEps: eps, vocabSize } } = task;
  const tokens = (ids: Task["ids"]) => tf.tensor(Int32Array.from(ids), [B * T], "int32");
  const ids = tokens(task.ids), targets = tokens(task.targets);
  const attention = attentionOf(tf, task), mamba = mambaOf(tf, task);
  return (): Tensor => {
    let x = tf.gather(of("embedding"), ids);
    for (let i = 0; i < nLayers; i++) {
      const layer = (name: string) => of(`layers.${i}.${name}`);
      const inputs = tf.matMul(norm(tf, x, { w: layer("norm1"), eps }), layer("in_proj"));
      const mixed = task.model === "mamba" ? mamba(inputs, layer) : attention(inputs);
      x = tf.add(x, tf.matMul(mixed, layer("out_proj")));
      const gateUp = tf.matMul(norm(tf, x, { w: layer("norm2"), eps }), layer("ffn.gate_up"));
      const [gate, up] = tf.split(gateUp, [F, F], -1) as [Tensor, Tensor];
      x = tf.add(x, tf.matMul(tf.mul(silu(tf, gate), up), layer("ffn.down")));
    }
    const last = norm(tf, x, { w: of("final_norm"), eps });
    const logits = tf.matMul(last, of("embedding"), false, true);
    return tf.losses.softmaxCrossEntropy(tf.oneHot(targets, vocabSize), logits);
  };
}

async function open(task: Task, { adapter }: { adapter: string }): Promise<Trainee> {
  await offerDawn({ adapter });
  const tf: Tf = await import(CORE);
  await import(BACKEND);
  await tf.setBackend("webgpu");
  await tf.ready();
  if (tf.getBackend() !== "webgpu") throw new Error(`TF.js chose the backend ${tf.getBackend()}`);
  const variables = new Map(task.starts.map((each) => {
    const { values, shape } = peerLayout(each);
    return [each.name, tf.variable(tf.tensor(values, shape), true, each.name)];
  }));
  const of = (name: string) => present(variables.get(name), name);
  const { beta1, beta2, eps, clip, rate, decay } = OPTIMIZER, adam = tf.train.adam(rate, beta1, beta2, eps);
  const loss = lossOf(tf, task, of);
  let last: Tensor | undefined;
  const step = () =>
    tf.tidy(() => {
      const { value, grads } = tf.variableGrads(loss);
      const squares = Object.values(grads).map((x) => tf.sum(tf.square(x)));
      const length = tf.sqrt(squares.reduce((a, b) => tf.add(a, b)));
      const factor = tf.minimum(tf.div(clip, tf.add(length, 1e-6)), 1);
      const clipped = Object.fromEntries(Object.entries(grads).map(([name, x]) => [name, tf.mul(x, factor)]));
      for (const { name, decay: decays } of task.starts) {
        if (decays) of(name).assign(tf.mul(of(name), 1 - rate * decay));
      }
      adam.applyGradients(clipped);
      last?.dispose();
      last = tf.keep(value);
    });
  return {
    parameters: [...variables.values()].reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0),
    step,
    loss: async () => at(await present(last, "a step").data(), 0),
  };
}

export default { name: "TF.js", open } satisfies Peer;
