/**
 * Processes that this program starts for single cells of a study. Such a process tells what happens as lines of JSON on standard
 * error, and it saves and stops when the process that started it is gone.
 */
import type { StudyEvent } from "../../core/study/arm_run.ts";
import { denoFlags } from "./child.ts";

/** In the environment of such a process: the id of the process that started it. */
const STARTED_BY = "HYMBA_JOB_OF";

/** What such a process tells. */
export type Told = { readonly say: string } | { readonly event: StudyEvent };

/** Whether another process of this program started this one for single cells. */
export const isJob = (): boolean => Deno.env.get(STARTED_BY) !== undefined;

const encoder = new TextEncoder();

/** Tells the process that started this one. NaN becomes null in JSON, so it is left out. */
export function tell(told: Told): void {
  const text = JSON.stringify(told, (_, value) => Number.isNaN(value) ? undefined : value);
  Deno.stderr.writeSync(encoder.encode(`${text}\n`));
}

/** What a line of such a process tells; undefined for a line of anything else, such as an error. */
export function toldIn(line: string): Told | undefined {
  if (!line.startsWith('{"say":') && !line.startsWith('{"event":')) return undefined;
  try {
    return JSON.parse(line);
  } catch {
    return undefined; // the line was cut off when its process was killed
  }
}

const LOOK_MS = 500;

/**
 * From now on this process stops, as after SIGTERM, when the one that started it is gone. The system then names another parent.
 * On Windows it does not, and this process trains on.
 */
export function stopWithParent(): void {
  const parent = Number(Deno.env.get(STARTED_BY));
  const look = setInterval(() => {
    if (Deno.ppid === parent) return;
    clearInterval(look);
    Deno.kill(Deno.pid, "SIGTERM");
  }, LOOK_MS);
  Deno.unrefTimer(look);
}

/**
 * Starts this program with these words. Ctrl-C reaches only this process: the other one is in a group of its own, because a
 * second signal would end it before it has saved.
 */
export async function startJob(words: readonly string[]): Promise<Deno.ChildProcess> {
  const program = Deno.build.standalone
    ? []
    : ["run", "-A", "--quiet", "--no-check", ...await denoFlags(), Deno.mainModule];
  return new Deno.Command(Deno.execPath(), {
    args: [...program, ...words],
    env: { [STARTED_BY]: String(Deno.pid) },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    detached: true,
  }).spawn();
}
