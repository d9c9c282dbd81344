/**
 * One engine and one model in a process of its own: `deno run -A --no-lock child.ts PEER MODEL ADAPTER RUNS`. Prints one line of
 * JSON, a {@link Measured}.
 */
import { type Peer, taskOf } from "./task.ts";

/** What a process says of one engine and model. */
export interface Measured {
  readonly parameters: number;
  /** Of the first steps, from the same start values on the same batch. */
  readonly losses: readonly number[];
  /** Each timed run. */
  readonly tokens_per_s: readonly number[];
  /** Until the first step had finished: compiling, mostly. */
  readonly first_step_s: number;
}

/** Steps whose losses are compared; they warm up, too. */
const COMPARED = 2;
/** A run takes at least this long. */
const LEAST_SECONDS = 2;

const seconds = (since: number) => (performance.now() - since) / 1000;

async function measure({ open }: Peer, { model, adapter, runs }: { model: string; adapter: string; runs: number }) {
  const task = taskOf(model), start = performance.now(), trainee = await open(task, { adapter }), losses: number[] = [];
  let first_step_s = 0, last = 0;
  for (let i = 0; i < COMPARED; i++) {
    const before = performance.now();
    await trainee.step();
    losses.push(await trainee.loss());
    last = seconds(before);
    first_step_s ||= seconds(start);
  }
  const count = Math.max(1, Math.ceil(LEAST_SECONDS / last)), tokens_per_s: number[] = [];
  for (let run = 0; run < runs; run++) {
    const before = performance.now();
    for (let i = 0; i < count; i++) await trainee.step();
    await trainee.loss();
    tokens_per_s.push(count * task.B * task.T / seconds(before));
  }
  return { parameters: trainee.parameters, losses, tokens_per_s, first_step_s } satisfies Measured;
}

if (import.meta.main) {
  const [name, model, adapter, runs] = Deno.args as [string, string, string, string];
  const peer: Peer = (await import(`./${name}.ts`)).default;
  console.log(JSON.stringify(await measure(peer, { model, adapter, runs: Number(runs) })));
  Deno.exit(0);
}
