/** Golden cases of gradient clipping and AdamW on single tensors, over several steps. */
import { type AdamW, adamw, gradientNorm, SCHEDULE_LENGTH } from "../../ops/optimizer.ts";
import { finish } from "../../plan/mod.ts";
import { Arena, sizeOf, Storage, Tape, type Tensor, tensorOver } from "../../tensor/mod.ts";
import { scheduleVector } from "../../train/schedule.ts";
import { BOUNDS } from "./bounds.ts";
import { compare, compareEach, type Comparison, type Target } from "./compare.ts";
import type { GoldenFile } from "./file.ts";

/** A parameter, its gradient and its two moments. */
type Trained = Readonly<Record<"p" | "g" | "m" | "v", Tensor>> & { readonly name: string };

function trainedTensors(file: GoldenFile, arenas: Arena[]): Trained[] {
  return file.namesUnder("grad0_").map((name) => {
    const length = sizeOf(file.tensor(name).shape);
    const tensor = (part: string) => {
      const arena = new Arena(`${part} of ${name}`, length);
      arenas.push(arena);
      return tensorOver(new Storage(arena.name, length, "f32", { arena, offset: 0 }), [length]);
    };
    return { name, p: tensor("p"), g: tensor("g"), m: tensor("m"), v: tensor("v") };
  });
}

/** The settings of AdamW in a case. `decay` applies only to the tensors that the case lists. */
function settings(file: GoldenFile): AdamW {
  return {
    beta1: file.number("beta1"),
    beta2: file.number("beta2"),
    eps: file.number("eps"),
    decay: file.number("weight_decay"),
    clip: file.number("max_norm"),
  };
}

export async function compareAdamw(file: GoldenFile, { executor }: Target): Promise<Comparison[]> {
  const adam = settings(file), decayed = file.text("decayed").split(","), rates = file.tensor("lr").data;
  const arenas: Arena[] = [], tensors = trainedTensors(file, arenas), tape = new Tape(false);
  const schedule = tape.input("schedule", [SCHEDULE_LENGTH]);
  const norm = gradientNorm(tape, tensors.map(({ g }) => g));
  for (const { name, p, g, m, v } of tensors) {
    adamw(tape, { p, g, m, v, norm, schedule }, { ...adam, decay: decayed.includes(name) ? adam.decay : 0 });
  }
  const program = await executor.prepare(finish(tape, { name: "golden adamw", metrics: [norm] }));
  const comparisons: Comparison[] = [];
  const write = (tensor: Tensor, name: string) => executor.write(tensor, Float32Array.from(file.tensor(name).data));
  try {
    for (const { name, p } of tensors) write(p, name);
    for (const [step, rate] of rates.entries()) {
      for (const { name, g } of tensors) write(g, `grad${step}_${name}`);
      program.write(schedule, scheduleVector(step + 1, { rate, ...adam }));
      await program.run();
      for (const { name, p, m, v } of tensors) {
        for (const [suffix, tensor] of [["", p], ["_m", m], ["_v", v]] as const) {
          const got = await executor.read(tensor);
          comparisons.push(compare(file, `step${step}_${name}${suffix}`, { got, bound: BOUNDS.operator.output }));
        }
      }
    }
    const norms = (await program.drainMetrics()).flatMap((values) => [...values]);
    return [...comparisons, ...compareEach(file, "grad_norm", { got: norms, bound: BOUNDS.operator.output })];
  } finally {
    program.dispose();
    for (const arena of arenas) executor.release(arena);
  }
}
