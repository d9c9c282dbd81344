/** `hymba bench`: the training speed of this machine, and its share of the machine's limits. */
import { merge, object, or } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map, optional, withDefault } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { command, option } from "@optique/core/primitives";
import { integer } from "@optique/core/valueparser";
import { EXACT_TIMESTAMPS, type OpenBackend, openBackend } from "../../core/backend/mod.ts";
import { benchKernels, type KernelReport } from "../../core/bench/kernels.ts";
import { memoryReport } from "../../core/bench/memory.ts";
import { benchPeaks, type PeaksReport } from "../../core/bench/peaks.ts";
import { benchShape } from "../../core/bench/shapes.ts";
import type { StepReport } from "../../core/bench/step.ts";
import { traceText } from "../../core/bench/trace.ts";
import { systemDisk } from "../../core/disk/mod.ts";
import { memoryTable } from "../ui/memory_table.ts";
import type { ActivationConfig } from "../../core/config/mod.ts";
import { HymbaError } from "../../core/errors.ts";
import { at } from "../../core/lists.ts";
import { bytes } from "../ui/progress.ts";
import type { Action } from "../ui/run.ts";
import { table } from "../ui/table.ts";
import { backendOptions, jsonOption, precisionOption, tensorCoresOption, usesTensorCores } from "../shared/options.ts";
import { keptIn } from "../../core/train/plans.ts";
import { all, allOptions } from "../shared/bench_all.ts";
import { decode, decodeOptions } from "../shared/bench_decode.ts";
import { requireOwnFile, writeOwnFile } from "../shared/own_files.ts";
import { activationOptions, activationsInWords, activationsOf } from "../shared/study.ts";
import { besideTensorCores, tensorCoreLines, timedSteps } from "../shared/tensor_core_bench.ts";
import { modelName, modelNames, word } from "../shared/value_parsers.ts";
import { say } from "../ui/say.ts";
import { printJson } from "../ui/output.ts";

const runs = withDefault(
  option("--runs", integer({ min: 1, metavar: "N" }), { description: message`timed runs; 7 by default` }),
  7,
);

const shapeOption = withDefault(
  option("--shape", "--preset", word("peers|smoke|quick|small|paper"), {
    description: message`peers, the comparison with other engines (default), or a preset`,
  }),
  "peers",
);

const modelsOption = optional(
  option("--models", modelNames(), { description: message`only these models` }),
);

const stepOptions = merge(
  object("What to train", {
    shape: shapeOption,
    models: modelsOption,
    runs,
    trace: optional(
      option("--trace", word("FILE"), {
        description: message`writes one profiled step of each model as a trace for Perfetto`,
      }),
    ),
    json: jsonOption,
  }),
  activationOptions,
  backendOptions,
);

const memoryOptions = merge(
  object("What to train", { shape: shapeOption, models: modelsOption, json: jsonOption }),
  activationOptions,
  backendOptions,
);

const peaksOptions = merge(object("How", { runs, json: jsonOption }), backendOptions);

const stepCommand = command("step", map(stepOptions, (given): Action => () => step(given)), {
  brief: message`tokens per second of training steps`,
  description:
    message`Times whole training steps (forward, backward, AdamW) of each model on random tokens, and the parts of a step. Example: hymba bench step --models mamba,hymba --trace step.json`,
});

const memoryCommand = command("memory", map(memoryOptions, (given): Action => () => memory(given)), {
  brief: message`bytes of a training step, without running one`,
  description:
    message`Prints the memory plan of each model: parameters, gradients, moments, activations saved for the backward pass, and transient memory. Example: hymba bench memory --preset paper --models hymba --remat`,
});

const peaksCommand = command("peaks", map(peaksOptions, (given): Action => () => peaks(given)), {
  brief: message`multiply-add peak, copy bandwidth, cost of dispatches, and the rate of a matrix product`,
  description:
    message`Measures the peak rates of the machine, and a product of 1024×512×1024. Example: hymba bench peaks --backend cpu --threads 1`,
});

const kernelsOptions = merge(
  object("What to time", {
    shape: shapeOption,
    model: withDefault(
      option("--model", modelName(), { description: message`hymba by default` }),
      "hymba",
    ),
    batch: optional(
      option("--batch", integer({ min: 1, metavar: "B" }), {
        description: message`sequences per step; by default those of the shape`,
      }),
    ),
    precision: precisionOption,
    tensorCores: tensorCoresOption,
    ops: optional(option("--ops", word("A,B"), { description: message`only these ops` })),
    runs: withDefault(
      option("--runs", integer({ min: 1, metavar: "N" }), { description: message`timed runs of each; 3 by default` }),
      3,
    ),
    json: jsonOption,
  }),
  backendOptions,
);

const kernelsCommand = command("kernels", map(kernelsOptions, (given): Action => () => kernels(given)), {
  brief: message`each kernel of a training step, with its share of the machine's limit`,
  description:
    message`Compares every op of a model's training step with the float64 reference, then times it alone, forward and backward. An op with a wrong result is not timed, and the command fails. Example: hymba bench kernels --shape quick --ops matmul,rotary`,
});

const decodeCommand = command("decode", map(decodeOptions, (given): Action => () => decode(given)), {
  brief: message`time and memory of a generated token, by context and batch`,
  description:
    message`Times the generation of a token after contexts of several lengths, with the bytes of the caches. Compares the model with full caches in every layer, and with computing the whole text again for each token. Example: hymba bench decode --models hymba,transformer-global --out results/bench`,
});

const allCommand = command("all", map(allOptions, (given): Action => () => all(given)), {
  brief: message`everything about a new GPU in eight minutes: one JSON file and one page`,
  description:
    message`Runs every measurement in parts: adapter, peaks, golden cases, training steps in every precision, kernels, memory, losses compared with the CPU's, tiles, and where the estimates of a compiler were wrong. Each part has a process and a time limit of its own, so that one that fails or hangs does not stop the others. Example: hymba bench all --out gpu --small --adapter llvmpipe`,
});

export const benchCommand = command(
  "bench",
  or(stepCommand, decodeCommand, kernelsCommand, memoryCommand, peaksCommand, allCommand),
  {
    brief: message`the speed of this machine`,
    description:
      message`Measures speed. Other programs that run at the same time make the results worse. Example: hymba bench step --shape peers`,
  },
);

const onProgress = say;

/** Sizes, machine and activations of a measurement, for the line below a table. */
const settingsText = (
  { shape, B, T, backend, adapter, activations }: {
    shape: string;
    B: number;
    T: number;
    backend: string;
    adapter: OpenBackend["adapter"];
    activations: ActivationConfig;
  },
) => `${shape}: B ${B}, T ${T}, ${backend} (${adapter.name})${activationsInWords(activations)}`;

/** How a trace begins. */
const TRACE = /^\{"traceEvents":\[\{"ph":"M","name":"process_name","pid":1,/;

async function step(
  { shape: name, models, runs, remat, precision, tensorCores, trace, json, ...where }: InferValue<typeof stepOptions>,
): Promise<void> {
  const activations = activationsOf({ remat, precision, tensorCores });
  const { arms: chosen, B, T } = benchShape(name, { models: models?.split(",") });
  if (trace !== undefined) await requireOwnFile(systemDisk, trace, [trace, "", TRACE]);
  const toggles = EXACT_TIMESTAMPS, { tensorCores: cores } = activations;
  const { executor, adapter, backend } = await openBackend({ ...where, toggles, tensorCores: cores, onProgress });
  try {
    const size = { B, T, runs, ...activations, trace: trace !== undefined }, device = String(adapter.name);
    const { arms, traced } = await timedSteps(executor, chosen, size);
    const both = await besideTensorCores(chosen, { asked: tensorCores, name: device, backend, size, onProgress });
    if (trace !== undefined) {
      const content = traceText(traced, { adapter, backend, shape: name, B, T });
      await writeOwnFile(systemDisk, trace, { content, start: TRACE });
      onProgress(`wrote ${trace}; open it at https://ui.perfetto.dev`);
    }
    const settings = settingsText({ shape: name, B, T, backend, adapter, activations });
    const found = { adapter, backend, shape: name, B, T, runs, ...activations, arms, ...both };
    const lines = [stepTable(arms), `${settings}, best of ${runs} runs`, ...tensorCoreLines(arms, both)];
    if (json) printJson("bench step", found);
    else console.log(lines.join("\n\n"));
  } finally {
    await executor.close();
  }
}

async function memory(
  { shape: name, models, remat, precision, tensorCores, json, ...where }: InferValue<typeof memoryOptions>,
): Promise<void> {
  const activations = activationsOf({ remat, precision, tensorCores });
  const { arms: chosen, B, T } = benchShape(name, { models: models?.split(",") });
  const cores = activations.tensorCores;
  const { executor, adapter, backend } = await openBackend({ ...where, tensorCores: cores, onProgress });
  try {
    const arms = chosen.map((arm) => memoryReport(executor, arm, { B, T, ...activations }));
    const settings = settingsText({ shape: name, B, T, backend, adapter, activations });
    if (json) printJson("bench memory", { adapter, backend, shape: name, B, T, ...activations, arms });
    else console.log(`${memoryTable(arms)}\n\n${settings}`);
  } finally {
    await executor.close();
  }
}

function stepTable(arms: readonly StepReport[]): string {
  const tenths = (x: number | null) => x?.toFixed(1) ?? "—";
  const head = [
    "model",
    "tokens/s",
    "median",
    "ms/step",
    "forward",
    "backward",
    "optimizer",
    "encode",
    "wait",
    "GFLOP/s",
  ];
  const rows = arms.map((arm) => [
    arm.arm,
    arm.tokens_per_s.toFixed(0),
    arm.median_tokens_per_s.toFixed(0),
    tenths(arm.step_ms),
    tenths(arm.forward_ms),
    tenths(arm.backward_ms),
    tenths(arm.optimizer_ms),
    tenths(arm.host_encode_ms),
    tenths(arm.wait_ms),
    tenths(arm.gflop_per_s),
    `${arm.steps}/${arm.dispatches}/${arm.pipelines}`,
    `${tenths(arm.prepare_s)}, ${tenths(arm.first_step_s)}`,
    bytes(arm.planned_bytes),
    bytes(arm.allocated_bytes),
  ]);
  return table([[...head, "steps/dispatches/pipelines", "prepare, first step s", "planned", "allocated"], ...rows]);
}

async function kernels(
  { shape, model, batch, ops, runs, precision, tensorCores, json, ...where }: InferValue<typeof kernelsOptions>,
): Promise<void> {
  const toggles = EXACT_TIMESTAMPS, cores = usesTensorCores({ precision, tensorCores });
  const { arms, B: own, T } = benchShape(shape, { models: [model] }), B = batch ?? own, activations = keptIn(precision);
  const { executor, adapter, backend } = await openBackend({ ...where, toggles, tensorCores: cores, onProgress });
  try {
    const found = await benchKernels(executor, at(arms, 0), { B, T, runs, ops: ops?.split(","), ...activations });
    const settings = settingsText({ shape: `${shape}, ${model}`, B, T, backend, adapter, activations });
    if (json) printJson("bench kernels", { adapter, backend, shape, model, B, T, runs, ...activations, ...found });
    else console.log(`${kernelsTable(found.kernels)}\n\n${settings}, best of ${runs} runs`);
    if (found.refused.length > 0) {
      const got = found.refused.map(({ op, error }) => `${op}: relative error ${error.toExponential(2)}`).join(", ");
      throw new HymbaError("kernels differ from the float64 reference and were not timed", { got });
    }
  } finally {
    await executor.close();
  }
}

function kernelsTable(kernels: readonly KernelReport[]): string {
  const percent = (share: number) => `${(100 * share).toFixed(0)} %`;
  const head = [
    "op",
    "pass",
    "sizes",
    "times",
    "ms",
    "GFLOP/s",
    "GB/s",
    "of the limit",
    "multiply-adds",
    "memory",
    "exp",
  ];
  const rows = kernels.map(({ op, pass, attributes, times, ms, gflop_per_s, gb_per_s, roofline_share, shares }) => [
    op,
    pass,
    Object.entries(attributes).map(([name, value]) => `${name} ${value}`).join(" "),
    String(times),
    ms.toFixed(3),
    gflop_per_s.toFixed(1),
    gb_per_s.toFixed(1),
    percent(roofline_share),
    percent(shares.flops),
    percent(shares.bytes),
    shares.exponentials > 0 ? percent(shares.exponentials) : "—",
  ]);
  return table([head, ...rows]);
}

async function peaks({ runs, json, ...where }: InferValue<typeof peaksOptions>): Promise<void> {
  const { executor, adapter, backend } = await openBackend({ ...where, onProgress });
  try {
    const found = await benchPeaks(executor, { runs });
    if (json) printJson("bench peaks", { adapter, backend, ...found });
    else console.log(peaksTable(found));
  } finally {
    await executor.close();
  }
}

function peaksTable(found: PeaksReport): string {
  const share = found.matmul_share === null ? "" : `${(100 * found.matmul_share).toFixed(0)} % of the peak`;
  const variant = found.multiply_add_variant, rows = [["measured", "value", "unit", ""]];
  if (found.multiply_add_gflop_per_s !== null) {
    const how = variant ? `${variant.vectors} vectors of four, unrolled ${variant.unroll} times` : "";
    rows.push(["multiply-add peak", found.multiply_add_gflop_per_s.toFixed(1), "GFLOP/s", how]);
  }
  if (found.exponential_g_per_s !== null) {
    rows.push(["exponential peak", found.exponential_g_per_s.toFixed(1), "10⁹/s", "2^x of vectors of four"]);
  }
  rows.push(["copy, bytes read and written", found.copy_gb_per_s.toFixed(1), "GB/s", ""]);
  rows.push(["matmul 1024×512×1024", found.matmul_gflop_per_s.toFixed(1), "GFLOP/s", share]);
  if (found.dispatch_us !== null) rows.push(["additional dispatch", found.dispatch_us.toFixed(1), "µs", ""]);
  if (found.submit_us !== null) rows.push(["additional submit", found.submit_us.toFixed(1), "µs", "with one dispatch"]);
  return table(rows);
}
