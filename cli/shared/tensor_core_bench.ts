/** Training steps with and without tensor cores: what `bench step` says about --tensor-cores. */
import { EXACT_TIMESTAMPS, openBackend } from "../../core/backend/mod.ts";
import type { Arm, TensorCores } from "../../core/config/mod.ts";
import { benchStep, type StepReport, type StepSize, type Traced } from "../../core/bench/step.ts";
import type { Executor } from "../../core/plan/mod.ts";
import { hasTensorCores } from "../../core/webgpu/mod.ts";
import { table } from "../ui/table.ts";

/** Steps of each model, one after the other. */
export async function timedSteps(
  executor: Executor,
  arms: readonly Arm[],
  size: StepSize,
): Promise<{ arms: StepReport[]; traced: Traced[] }> {
  const reports: StepReport[] = [], traced: Traced[] = [];
  for (const arm of arms) {
    const found = await benchStep(executor, arm, size);
    reports.push(found.report);
    if (found.traced) traced.push(found.traced);
  }
  return { arms: reports, traced };
}

/** The same steps on tensor cores, in the same order; without the field where nothing was measured. */
export interface BesideTensorCores {
  readonly tensor_cores?: readonly StepReport[];
}

/** Times the steps once more with products on tensor cores, if the adapter has them, the precision is f16, and nobody chose. */
export async function besideTensorCores(
  arms: readonly Arm[],
  { asked = "auto", name, backend, size, onProgress }: {
    asked?: TensorCores;
    /** Of the adapter. */
    name: string;
    backend: string;
    size: StepSize;
    onProgress(line: string): void;
  },
): Promise<BesideTensorCores> {
  if (asked !== "auto" || size.precision !== "f16" || backend !== "webgpu") return {};
  if (!await hasTensorCores({ adapter: name, onProgress })) return {};
  const { executor } = await openBackend({ adapter: name, toggles: EXACT_TIMESTAMPS, tensorCores: true, onProgress });
  try {
    return { tensor_cores: (await timedSteps(executor, arms, { ...size, trace: false })).arms };
  } finally {
    await executor.close();
  }
}

/** Both times of a step, and the advice; nothing where only one was measured. */
export function tensorCoreLines(arms: readonly StepReport[], { tensor_cores: others }: BesideTensorCores): string[] {
  if (!others) return [];
  const rows = arms.flatMap(({ arm, step_ms }, i) => {
    const other = others[i];
    return other ? [{ arm, without: step_ms, cores: other.step_ms, ratio: step_ms / other.step_ms }] : [];
  });
  const head = ["model", "ms/step", "with tensor cores", "times as fast"];
  const text = table([
    head,
    ...rows.map(({ arm, without, cores, ratio }) => [arm, without.toFixed(1), cores.toFixed(1), ratio.toFixed(2)]),
  ]);
  const total = (of: (row: typeof rows[number]) => number) => rows.reduce((sum, row) => sum + of(row), 0);
  const ratio = total(({ without }) => without) / total(({ cores }) => cores);
  const advice = ratio > 1
    ? `tensor cores make these steps ${ratio.toFixed(2)} times as fast here: --tensor-cores on`
    : `tensor cores make these steps slower here (${ratio.toFixed(2)} times as fast): leave them off`;
  return [text, advice];
}
