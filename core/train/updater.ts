/** One update of the weights as programs: one program, or with accumulation one for each micro-batch and one for AdamW. */
import { arenasOf, type Executor, type Memory, type NonFinite, type Program } from "../plan/mod.ts";
import { ELEMENT_BYTES } from "../tensor/mod.ts";
import { feedBatch, feedSchedule, type Objective } from "./objective.ts";

/** The step (the first update is step 1) and the learning rate. */
interface Update {
  readonly step: number;
  readonly rate: number;
}

export class Updater {
  private constructor(
    private readonly objective: Objective,
    private readonly batch: Program,
    /** The final update of the weights, only with accumulation. */
    private readonly end: Program | undefined,
  ) {}

  static async create(executor: Executor, objective: Objective): Promise<Updater> {
    const { plan, accumulation } = objective.made, batch = await executor.prepare(plan);
    try {
      return new Updater(objective, batch, accumulation && await executor.prepare(accumulation.plan));
    } catch (error) {
      batch.dispose();
      throw error;
    }
  }

  get memory(): Memory {
    const { batch, end, objective: { made: { plan, accumulation } } } = this;
    if (!end || !accumulation) return batch.memory;
    const arenas = new Set([...arenasOf(plan), ...arenasOf(accumulation.plan)]);
    return {
      slotBytes: batch.memory.slotBytes + end.memory.slotBytes,
      peakBytes: batch.memory.peakBytes + end.memory.peakBytes,
      arenaBytes: [...arenas].reduce((sum, { elements }) => sum + ELEMENT_BYTES * elements, 0),
    };
  }

  /** Queues an update. */
  async run(update: Update): Promise<void> {
    const { batch, end } = this, { made } = this.objective;
    for (const micro of this.#micros(update)) {
      feedBatch(batch, this.objective, micro);
      if (!end) feedSchedule(batch, made, update);
      await batch.run();
    }
    if (!end) return;
    feedSchedule(end, made, update);
    await end.run();
  }

  /** The metrics of every update since the last call, with those of its batches combined. */
  async drain(): Promise<Float32Array[]> {
    const parts = await this.batch.drainMetrics(), { accumulation } = this.objective.made;
    if (!this.end || !accumulation) return parts;
    const { count, means } = accumulation, ends = await this.end.drainMetrics();
    return ends.map((own, i) => asOne(parts.slice(i * count, (i + 1) * count), { own, means }));
  }

  /** Replays an update step by step and names the first number that is not finite. */
  async findNonFinite(update: Update): Promise<NonFinite | undefined> {
    const { batch, end } = this, { made } = this.objective;
    for (const micro of this.#micros(update)) {
      feedBatch(batch, this.objective, micro);
      if (!end) feedSchedule(batch, made, update);
      const found = await batch.findNonFinite();
      if (found) return found;
    }
    if (!end) return undefined;
    feedSchedule(end, made, update);
    return await end.findNonFinite();
  }

  dispose(): void {
    this.batch.dispose();
    this.end?.dispose();
  }

  /** The numbers of the batches of an update; the first of all is 1. */
  #micros({ step }: Update): number[] {
    const count = this.objective.made.accumulation?.count ?? 1;
    return Array.from({ length: count }, (_, i) => (step - 1) * count + i + 1);
  }
}

/** The metrics of the parts of an update in the order of a single part: their means, the norm, their rows, and the loss scale. */
function asOne(parts: readonly Float32Array[], { own, means }: { own: Float32Array; means: number }): Float32Array {
  const averages = Array.from(
    { length: means },
    (_, i) => parts.reduce((sum, { [i]: value = NaN }) => sum + value, 0) / parts.length,
  );
  return Float32Array.of(
    ...averages,
    ...own.subarray(0, 1),
    ...parts.flatMap((part) => [...part.subarray(means)]),
    ...own.subarray(1),
  );
}
