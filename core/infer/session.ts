/** Generation: one recorded step, replayed for every position; caches and states stay on the device. */
import { type HymbaConfig, type Layer, layersOf } from "../config/mod.ts";
import { joined } from "../nn/join.ts";
import { selection } from "../nn/mamba.ts";
import { leaveBranch, projectInputs, projectOutput } from "../nn/projections.ts";
import { attentionDecode, cacheAppend, cacheSlots, convStep, embedStep, scanStep } from "../ops/decode.ts";
import { linear } from "../ops/linear.ts";
import { rmsnorm } from "../ops/rmsnorm.ts";
import { rotary, rotaryTable } from "../ops/rotary.ts";
import { swiglu } from "../ops/swiglu.ts";
import { HymbaError } from "../errors.ts";
import type { ParameterStore } from "../params/store.ts";
import { type Executor, finish, type Plan, type Program } from "../plan/mod.ts";
import { Arena, sizeOf, sliceColumns, Storage, Tape, type Tensor, tensorOver, withRows } from "../tensor/mod.ts";

/** Caches of one layer; a part is absent where the layer lacks it or uses another layer's. */
interface LayerCache {
  k?: Tensor;
  v?: Tensor;
  conv?: Tensor;
  scan?: Tensor;
}

interface StepInputs {
  token: Tensor;
  position: Tensor;
}

/** Lays all caches of B sequences of at most S positions into one arena. */
function layoutCaches(config: HymbaConfig, { B, S }: { B: number; S: number }): { arena: Arena; caches: LayerCache[] } {
  const { nKvHeads: G, headDim: K, valueHeadDim: Kv, innerDim: I, stateSize: N, convKernel: J, metaTokens: meta } =
    config;
  const made: { name: string; shape: number[]; offset: number }[] = [];
  let at = 0;
  const place = (name: string, shape: number[]) => {
    made.push({ name, shape, offset: at });
    at += Math.ceil(sizeOf(shape) / 64) * 64;
    return made.length - 1;
  };
  const places = layersOf(config).map(({ index, attention, mamba, window, kvOwner }) => {
    const slots = cacheSlots(S, { window, meta }), owns = attention && kvOwner === index;
    return {
      k: owns ? place(`${index}.k`, [B, slots, G, K]) : undefined,
      v: owns ? place(`${index}.v`, [B, slots, G, Kv]) : undefined,
      conv: mamba ? place(`${index}.conv`, [B, J - 1, I]) : undefined,
      scan: mamba ? place(`${index}.scan`, [B, I, N]) : undefined,
    };
  });
  const arena = new Arena("caches", at);
  const tensors = made.map(({ name, shape, offset }) =>
    tensorOver(new Storage(name, sizeOf(shape), "f32", { arena, offset }), shape)
  );
  const of = (place: number | undefined) => place === undefined ? undefined : tensors[place]!;
  return {
    arena,
    caches: places.map(({ k, v, conv, scan }) => ({ k: of(k), v: of(v), conv: of(conv), scan: of(scan) })),
  };
}

/** Records one position through the whole model; returns the logits [B, 1, V]. */
function recordStep(
  tape: Tape,
  store: ParameterStore,
  { inputs, caches, S }: { inputs: StepInputs; caches: readonly LayerCache[]; S: number },
): Tensor {
  const config = store.config, { normEps: eps } = config;
  const table = tape.constant(
    "rotary table",
    [S, 2, config.headDim / 2],
    rotaryTable(S, config.headDim, { base: config.ropeBase }),
  );
  let x = embedStep(tape, {
    ...inputs,
    table: store.tensor("embedding"),
    meta: config.metaTokens > 0 ? store.tensor("meta") : undefined,
  });
  let delta: Tensor | undefined;
  for (const layer of layersOf(config)) {
    const parameters = (name: string) => store.tensor(`layers.${layer.index}.${name}`);
    const first = rmsnorm(tape, { x, delta, w: parameters("norm1") }, { eps });
    const mixed = mixerStep(tape, first.y, { config, layer, parameters, table, position: inputs.position, caches });
    const second = rmsnorm(tape, { x: first.sum, delta: mixed, w: parameters("norm2") }, { eps });
    delta = linear(tape, {
      x: swiglu(tape, linear(tape, { x: second.y, w: parameters("ffn.gate_up") })),
      w: parameters("ffn.down"),
    });
    x = second.sum;
  }
  const { y } = rmsnorm(tape, { x, delta, w: store.tensor("final_norm") }, { eps });
  return linear(tape, { x: y, w: store.tensor("embedding") }, { name: "logits" });
}

interface MixerContext {
  config: HymbaConfig;
  layer: Layer;
  parameters: (name: string) => Tensor;
  table: Tensor;
  position: Tensor;
  caches: readonly LayerCache[];
}

function mixerStep(tape: Tape, h: Tensor, context: MixerContext): Tensor {
  const { config, layer, parameters } = context;
  const { heads, mamba } = projectInputs(tape, h, context);
  const leave = (y: Tensor, branch: "attention" | "mamba") => leaveBranch(tape, y, { config, parameters, branch });
  const branches = joined(tape, {
    config,
    layer,
    parameters,
    positions: [h.shape[0]!, 1],
    attend: (into) =>
      layer.attention ? leave(attentionStep(tape, heads!, { ...context, into }), "attention") : undefined,
    scan: (into) => mamba && leave(mambaStep(tape, mamba, { ...context, into }), "mamba"),
  });
  return projectOutput(tape, branches, context);
}

type BranchContext = MixerContext & { into: Tensor | undefined };

function attentionStep(
  tape: Tape,
  projected: Tensor,
  { config, layer, table, position, caches, into }: BranchContext,
): Tensor {
  const { nHeads: H, nKvHeads: G, headDim: K, valueHeadDim: Kv, metaTokens: meta } = config;
  const owns = layer.kvOwner === layer.index, see = { window: layer.window, meta };
  const rotated = rotary(tape, { x: sliceColumns(projected, 0, [owns ? H + G : H, K]), table, position });
  const { k: kCache, v: vCache } = caches[layer.kvOwner]! as Required<LayerCache>;
  if (owns) {
    const k = sliceColumns(rotated, H * K, [G, K]), v = sliceColumns(projected, (H + G) * K, [G, Kv]);
    cacheAppend(tape, { k, v, kCache, vCache, position }, see);
  }
  return attentionDecode(tape, { q: owns ? sliceColumns(rotated, 0, [H, K]) : rotated, kCache, vCache, position }, {
    ...see,
    into,
  });
}

function mambaStep(
  tape: Tape,
  { x, z }: { x: Tensor; z: Tensor },
  { config, layer, parameters, caches, into }: BranchContext,
): Tensor {
  const { innerDim: I } = config;
  const B = x.shape[0]!, { conv, scan } = caches[layer.index]! as Required<LayerCache>;
  const udt = withRows(tape.tensor("u and dt", [B, 1, 2, I]), 2);
  const u = convStep(tape, { x, w: parameters("conv.w"), bias: parameters("conv.b"), state: conv }, {
    into: sliceColumns(udt, 0, [I]),
  });
  const selected = linear(tape, { x: u, w: parameters("x_proj") });
  const { dt, bc } = selection(tape, selected, { config, parameters });
  linear(tape, { x: dt, w: parameters("dt_proj.w") }, { into: sliceColumns(udt, I, [I]) });
  return scanStep(tape, {
    udt,
    bc,
    z,
    aLog: parameters("a_log"),
    skip: parameters("d"),
    dtBias: parameters("dt_proj.b"),
    state: scan,
  }, { into });
}

/** B sequences that grow by one token at a time. */
export class DecodeSession {
  #position = 0;

  private constructor(
    private readonly executor: Executor,
    private readonly program: Program,
    private readonly made: {
      inputs: StepInputs;
      logits: Tensor;
      arena: Arena;
      caches: readonly LayerCache[];
      plan: Plan;
    },
    private readonly size: { B: number; S: number; meta: number },
  ) {}

  /** Room for B sequences of at most `length` text tokens. The meta tokens are fed at once. */
  static async create(
    executor: Executor,
    store: ParameterStore,
    { B, length }: { B: number; length: number },
  ): Promise<DecodeSession> {
    const meta = store.config.metaTokens, S = meta + length;
    const { arena, caches } = layoutCaches(store.config, { B, S });
    const tape = new Tape(false);
    const inputs = {
      token: tape.input("token", [B], { dtype: "u32" }),
      position: tape.input("position", [1], { dtype: "u32" }),
    };
    const logits = recordStep(tape, store, { inputs, caches, S });
    const plan = finish(tape, { name: `decoding ${store.config.archType}`, outputs: [logits] });
    const session = new DecodeSession(executor, await executor.prepare(plan), { inputs, logits, arena, caches, plan }, {
      B,
      S,
      meta,
    });
    await session.restart();
    return session;
  }

  /** Forgets the text; new sequences start behind the meta tokens. */
  async restart(): Promise<void> {
    for (const { conv, scan } of this.made.caches) {
      for (const state of [conv, scan]) if (state) this.executor.write(state, new Float32Array(sizeOf(state.shape)));
    }
    this.#position = 0;
    while (this.#position < this.size.meta) await this.#step(new Uint32Array(this.size.B));
  }

  /** Appends one token to each sequence and returns the logits for the next, [B, V]. */
  async feed(tokens: Uint32Array<ArrayBuffer>): Promise<Float32Array> {
    await this.push(tokens);
    return await this.program.read(this.made.logits) as Float32Array;
  }

  /** Appends one token to each sequence without looking at the logits. */
  async push(tokens: Uint32Array<ArrayBuffer>): Promise<void> {
    if (this.#position >= this.size.S) {
      throw new HymbaError("generation: the caches are full", {
        expected: `at most ${this.size.S - this.size.meta} tokens`,
      });
    }
    await this.#step(tokens);
  }

  dispose(): void {
    this.program.dispose();
    this.executor.release(this.made.arena);
  }

  async #step(tokens: Uint32Array<ArrayBuffer>): Promise<void> {
    this.program.write(this.made.inputs.token, tokens);
    this.program.write(this.made.inputs.position, Uint32Array.of(this.#position++));
    await this.program.run();
  }
}
