/** Profiled steps in the Trace Event Format, which Perfetto (ui.perfetto.dev) and Chrome open. Times are microseconds. */
import type { Profile } from "../plan/mod.ts";
import { partsOf, type Traced } from "./step.ts";
import { at } from "../lists.ts";

type Event = Readonly<Record<string, unknown>>;

const MICRO = 1e6;
/** The rows of a model, from top to bottom. */
const ROWS = { parts: 1, steps: 2, kernels: 3 } as const;

/** One complete event (phase X). */
const event = (
  { name, row, pid, start, end, args }: {
    name: string;
    row: keyof typeof ROWS;
    pid: number;
    start: number;
    end: number;
    args?: Event;
  },
): Event => ({ ph: "X", name, cat: row, pid, tid: ROWS[row], ts: start * MICRO, dur: (end - start) * MICRO, args });

/** Joins neighbouring spans with the same key. The idle time between them is included. */
function joined({ spans }: Profile, keyOf: (step: number) => string) {
  const found: { key: string; step: number; start: number; end: number }[] = [];
  for (const { step, start, end } of spans) {
    const key = keyOf(step), last = found.at(-1);
    if (last?.key === key) last.end = end;
    else found.push({ key, step, start, end });
  }
  return found;
}

function eventsOf({ arm, plan, profile }: Traced, pid: number): Event[] {
  const { loss, update } = partsOf(plan);
  const partOf = (step: number) => step < loss ? "forward" : step < update ? "backward" : "optimizer";
  const named = (name: string, args: Event, tid?: number): Event => ({ ph: "M", name, pid, tid, args });
  return [
    named("process_name", { name: arm }),
    ...Object.entries(ROWS).map(([row, tid]) => named("thread_name", { name: row }, tid)),
    ...joined(profile, partOf).map(({ key, start, end }) => event({ name: key, row: "parts", pid, start, end })),
    ...joined(profile, String).map(({ step, start, end }) => {
      const { op, attributes, flops } = at(plan.steps, step);
      return event({ name: op.name, row: "steps", pid, start, end, args: { step, flops, ...attributes } });
    }),
    ...profile.spans.map(({ kernel, step, start, end }) =>
      event({ name: kernel, row: "kernels", pid, start, end, args: { step, op: at(plan.steps, step).op.name } })
    ),
  ];
}

/** The text of a trace. Each model is a process with three rows: its parts, its steps and its kernels. */
export const traceText = (all: readonly Traced[], about: Readonly<Record<string, unknown>>): string =>
  JSON.stringify({
    traceEvents: all.flatMap((each, i) => eventsOf(each, i + 1)),
    displayTimeUnit: "ms",
    otherData: { ...about, clock: [...new Set(all.map(({ profile }) => profile.clock))].join("; ") },
  });
