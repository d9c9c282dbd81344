/** `hymba bench`: how fast this machine trains, and how near that is to what it can do. */
import { merge, object, or } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map, optional, withDefault } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { command, option } from "@optique/core/primitives";
import { integer, string } from "@optique/core/valueparser";
import { EXACT_TIMESTAMPS, openBackend } from "../../core/backend/mod.ts";
import { benchKernels, type KernelReport } from "../../core/bench/kernels.ts";
import { memoryReport } from "../../core/bench/memory.ts";
import { benchPeaks, type PeaksReport } from "../../core/bench/peaks.ts";
import { benchShape } from "../../core/bench/shapes.ts";
import { benchStep, type StepReport } from "../../core/bench/step.ts";
import type { Traced } from "../../core/bench/step.ts";
import { traceText } from "../../core/bench/trace.ts";
import { systemDisk, writeAtomic } from "../../core/disk/mod.ts";
import { memoryTable } from "../ui/memory_table.ts";
import { HymbaError } from "../../core/errors.ts";
import { bytes } from "../ui/progress.ts";
import type { Action } from "../ui/run.ts";
import { table } from "../ui/table.ts";
import { backendOptions, jsonOption, precisionOption } from "../shared/options.ts";
import { keptIn } from "../../core/train/plans.ts";
import { activationOptions, activationsInWords, activationsOf } from "../shared/study.ts";

const runs = withDefault(
  option("--runs", integer({ min: 1, metavar: "N" }), { description: message`timed runs; 7 by default` }),
  7,
);

const shapeOption = withDefault(
  option("--shape", "--preset", string({ metavar: "peers|smoke|quick|small|paper" }), {
    description: message`the comparison with other engines (default), or a preset`,
  }),
  "peers",
);

const modelsOption = optional(
  option("--models", string({ metavar: "A,B" }), { description: message`only these models` }),
);

const stepOptions = merge(
  object("What to train", {
    shape: shapeOption,
    models: modelsOption,
    runs,
    trace: optional(
      option("--trace", string({ metavar: "FILE" }), {
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
  brief: message`tokens a second of training steps`,
  description:
    message`Times whole training steps (forward, backward, AdamW) of each model on random tokens, and the parts of a step. Example: hymba bench step --models mamba,hymba --trace step.json`,
});

const memoryCommand = command("memory", map(memoryOptions, (given): Action => () => memory(given)), {
  brief: message`bytes of a training step, without running one`,
  description:
    message`The memory plan of each model: parameters, gradients, moments, activations saved for the backward pass, what is needed for a moment. Example: hymba bench memory --preset paper --models hymba --remat`,
});

const peaksCommand = command("peaks", map(peaksOptions, (given): Action => () => peaks(given)), {
  brief: message`multiply-add peak, copy bandwidth, cost of dispatches, and a matrix product beside them`,
  description:
    message`Measures what the machine can do at most, and a product of 1024×512×1024. Example: hymba bench peaks --backend cpu --threads 1`,
});

const kernelsOptions = merge(
  object("What to time", {
    shape: shapeOption,
    model: withDefault(
      option("--model", string({ metavar: "NAME" }), { description: message`hymba by default` }),
      "hymba",
    ),
    batch: optional(
      option("--batch", integer({ min: 1, metavar: "B" }), {
        description: message`sequences, instead of the shape's own`,
      }),
    ),
    precision: precisionOption,
    ops: optional(option("--ops", string({ metavar: "A,B" }), { description: message`only these ops` })),
    runs: withDefault(
      option("--runs", integer({ min: 1, metavar: "N" }), { description: message`timed runs of each; 3 by default` }),
      3,
    ),
    json: jsonOption,
  }),
  backendOptions,
);

const kernelsCommand = command("kernels", map(kernelsOptions, (given): Action => () => kernels(given)), {
  brief: message`each kernel of a training step beside the limit of the machine`,
  description:
    message`Checks every op of a model's training step against the float64 reference, then times it alone, forward and backward. Fails when an op is wrong, and does not time it. Example: hymba bench kernels --shape quick --ops matmul,rotary`,
});

export const benchCommand = command("bench", or(stepCommand, kernelsCommand, memoryCommand, peaksCommand), {
  brief: message`how fast this machine trains`,
  description:
    message`Measurements of speed; anything else that runs makes them smaller. Example: hymba bench step --shape peers`,
});

const onProgress = (line: string) => console.error(line);

async function step(
  { shape: name, models, runs, remat, precision, trace, json, ...where }: InferValue<typeof stepOptions>,
): Promise<void> {
  const activations = activationsOf({ remat, precision });
  const { arms: chosen, B, T } = benchShape(name, { models: models?.split(",") });
  const { executor, adapter, backend } = await openBackend({ ...where, toggles: EXACT_TIMESTAMPS, onProgress });
  try {
    const arms: StepReport[] = [], traced: Traced[] = [];
    for (const arm of chosen) {
      const found = await benchStep(executor, arm, { B, T, runs, ...activations, trace: trace !== undefined });
      arms.push(found.report);
      if (found.traced) traced.push(found.traced);
    }
    if (trace !== undefined) {
      await writeAtomic(systemDisk, trace, traceText(traced, { adapter, backend, shape: name, B, T }));
      onProgress(`${trace}: open it at https://ui.perfetto.dev`);
    }
    console.log(
      json
        ? JSON.stringify({ adapter, backend, shape: name, B, T, runs, ...activations, arms })
        : `${stepTable(arms)}\n\n${name}: B ${B}, T ${T}, ${backend} (${adapter.name})${
          activationsInWords(activations)
        }, best of ${runs} runs`,
    );
  } finally {
    await executor.close();
  }
}

async function memory(
  { shape: name, models, remat, precision, json, ...where }: InferValue<typeof memoryOptions>,
): Promise<void> {
  const activations = activationsOf({ remat, precision });
  const { arms: chosen, B, T } = benchShape(name, { models: models?.split(",") });
  const { executor, adapter, backend } = await openBackend({ ...where, onProgress });
  try {
    const arms = chosen.map((arm) => memoryReport(executor, arm, { B, T, ...activations }));
    const where = `${name}: B ${B}, T ${T}, ${backend} (${adapter.name})${activationsInWords(activations)}`;
    console.log(
      json
        ? JSON.stringify({ adapter, backend, shape: name, B, T, ...activations, arms })
        : `${memoryTable(arms)}\n\n${where}`,
    );
  } finally {
    await executor.close();
  }
}

function stepTable(arms: readonly StepReport[]): string {
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
  const host = (x: number | null) => x?.toFixed(1) ?? "—";
  const rows = arms.map((arm) => [
    arm.arm,
    arm.tokens_per_s.toFixed(0),
    arm.median_tokens_per_s.toFixed(0),
    ...[arm.step_ms, arm.forward_ms, arm.backward_ms, arm.optimizer_ms].map((x) => x.toFixed(1)),
    ...[host(arm.host_encode_ms), host(arm.wait_ms), arm.gflop_per_s.toFixed(1)],
    `${arm.steps}/${arm.dispatches}/${arm.pipelines}`,
    `${arm.prepare_s.toFixed(1)}, ${arm.first_step_s.toFixed(1)}`,
    bytes(arm.planned_bytes),
    bytes(arm.allocated_bytes),
  ]);
  return table([[...head, "steps/dispatches/pipelines", "prepare, first step s", "planned", "allocated"], ...rows]);
}

async function kernels(
  { shape, model, batch, ops, runs, precision, json, ...where }: InferValue<typeof kernelsOptions>,
): Promise<void> {
  const { arms: [arm], B: own, T } = benchShape(shape, { models: [model] }), B = batch ?? own;
  const { executor, adapter, backend } = await openBackend({ ...where, toggles: EXACT_TIMESTAMPS, onProgress });
  try {
    const found = await benchKernels(executor, arm!, { B, T, runs, ops: ops?.split(","), ...keptIn(precision) });
    console.log(
      json
        ? JSON.stringify({ adapter, backend, shape, model, B, T, runs, ...keptIn(precision), ...found })
        : `${kernelsTable(found.kernels)}\n\n${shape}, ${model}: B ${B}, T ${T}, ${backend} (${adapter.name})${
          activationsInWords(keptIn(precision))
        }, best of ${runs} runs`,
    );
    if (found.refused.length > 0) {
      const got = found.refused.map(({ op, error }) => `${op} is off by ${error.toExponential(2)}`).join(", ");
      throw new HymbaError("kernels differ from the float64 reference and were not timed", { got });
    }
  } finally {
    await executor.close();
  }
}

function kernelsTable(kernels: readonly KernelReport[]): string {
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
  const percent = (share: number) => `${(100 * share).toFixed(0)} %`;
  const rows = kernels.map(({ op, pass, attributes, times, ms, gflop_per_s, gb_per_s, roofline_share, shares }) => [
    ...[op, pass, Object.entries(attributes).map(([name, value]) => `${name} ${value}`).join(" "), `${times}`],
    ...[ms.toFixed(3), gflop_per_s.toFixed(1), gb_per_s.toFixed(1), percent(roofline_share)],
    ...[shares.flops, shares.bytes].map(percent),
    shares.exponentials > 0 ? percent(shares.exponentials) : "—",
  ]);
  return table([head, ...rows]);
}

async function peaks({ runs, json, ...where }: InferValue<typeof peaksOptions>): Promise<void> {
  const { executor, adapter, backend } = await openBackend({ ...where, onProgress });
  try {
    const found = await benchPeaks(executor, { runs });
    console.log(json ? JSON.stringify({ adapter, backend, ...found }) : peaksTable(found));
  } finally {
    await executor.close();
  }
}

function peaksTable(found: PeaksReport): string {
  const share = found.matmul_share === null ? "" : `${(100 * found.matmul_share).toFixed(0)} % of the peak`;
  const variant = found.multiply_add_variant, rows = [["measured", "value", "unit", ""]];
  if (found.multiply_add_gflop_per_s !== null) {
    const how = variant ? `${variant.vectors} chains of 4, ${variant.unroll} rounds without a jump` : "";
    rows.push(["multiply-add peak", found.multiply_add_gflop_per_s.toFixed(1), "GFLOP/s", how]);
  }
  if (found.exponential_g_per_s !== null) {
    rows.push(["exponential peak", found.exponential_g_per_s.toFixed(1), "10⁹/s", "2^x of vectors of four"]);
  }
  rows.push(["copy, read and written", found.copy_gb_per_s.toFixed(1), "GB/s", ""]);
  rows.push(["matmul 1024×512×1024", found.matmul_gflop_per_s.toFixed(1), "GFLOP/s", share]);
  if (found.dispatch_us !== null) rows.push(["one more dispatch", found.dispatch_us.toFixed(1), "µs", ""]);
  if (found.submit_us !== null) rows.push(["one more submit", found.submit_us.toFixed(1), "µs", "with one dispatch"]);
  return table(rows);
}
