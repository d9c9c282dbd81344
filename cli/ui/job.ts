/**
 * Processes that this program starts for single cells of a study. Such a process reports events as lines of JSON on standard
 * error. It saves and stops when the process that started it has ended.
 */
import type { StudyEvent } from "../../core/study/arm_run.ts";
import { denoFlags } from "./child.ts";

/** The environment variable with the id of the process that started this one. */
const STARTED_BY = "HYMBA_JOB_OF";

/** A message of such a process. */
export type JobMessage = { readonly say: string } | { readonly event: StudyEvent };

/** Whether another process of this program started this one for single cells. */
export const isJob = (): boolean => Deno.env.get(STARTED_BY) !== undefined;

const encoder = new TextEncoder();

/** Sends a message to the process that started this one. NaN would become null in JSON, so it is left out. */
export function sendMessage(told: JobMessage): void {
  const text = JSON.stringify(told, (_, value) => Number.isNaN(value) ? undefined : value);
  Deno.stderr.writeSync(encoder.encode(`${text}\n`));
}

/** The message in a line; undefined for any other line, such as an error. */
export function messageIn(line: string): JobMessage | undefined {
  if (!line.startsWith('{"say":') && !line.startsWith('{"event":')) return undefined;
  try {
    return JSON.parse(line);
  } catch {
    return undefined; // the line was cut off when its process was killed
  }
}

const LOOK_MS = 500;

/**
 * From now on this process stops, as after SIGTERM, when its parent has ended. The system then reports another parent. Windows
 * does not, so there the process continues to train.
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
 * Starts this program with these words. The new process has its own process group, so Ctrl-C reaches only this process. A
 * second signal would end the other one before it has saved.
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
