/** Several calls of one model may overlap; an executor that runs one plan at a time then needs a queue. */
import type { Executor, Program } from "../plan/mod.ts";

/** Runs one piece of work after the other. */
export type InTurn = <T>(work: () => Promise<T>) => Promise<T>;

/** A new queue. Work that fails does not block later work. */
export function newQueue(): InTurn {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const mine = last.then(work);
    last = mine.catch(() => {});
    return mine;
  };
}

/** The same executor, but its programs run one at a time. */
export function oneAtATime(executor: Executor): Executor {
  const inTurn = newQueue();
  const queued = (program: Program): Program => ({
    memory: program.memory,
    write: (input, data) => program.write(input, data),
    run: () => inTurn(() => program.run()),
    read: (tensor) => program.read(tensor),
    drainMetrics: () => program.drainMetrics(),
    findNonFinite: () => inTurn(() => program.findNonFinite()),
    dispose: () => program.dispose(),
  });
  return {
    name: executor.name,
    prepare: async (plan) => queued(await executor.prepare(plan)),
    memoryOf: (plan) => executor.memoryOf(plan),
    write: (tensor, data) => executor.write(tensor, data),
    read: (tensor) => executor.read(tensor),
    release: (arena) => executor.release(arena),
    close: () => executor.close(),
  };
}
