/** Continues after the loss of a GPU device: in a new process, from the last checkpoint. */
import type { DeviceLost } from "../../core/errors.ts";
import { holdsAllPermissions, runAgain } from "./child.ts";

/** Exit code of a supervised process whose device was lost: EX_TEMPFAIL of sysexits.h. */
const LOST = 75;
const SUPERVISED = "HYMBA_SUPERVISED";
/** The program gives up after this many losses in a row without progress. */
const TRIES = 5;

/**
 * Repeats this process's command in new processes while they lose the device, then ends with the exit code of the last one.
 * `progress` is a number that grows with the finished work. Throws the loss after five losses in a row without progress, or when
 * this process may not start other processes.
 */
export async function restartAfter(
  loss: DeviceLost,
  { progress, say }: { progress(): Promise<number>; say(line: string): void },
): Promise<never> {
  if (Deno.env.get(SUPERVISED)) {
    console.error(`hymba: ${loss.message.split("\n", 1)[0]}`);
    Deno.exit(LOST);
  }
  if (!holdsAllPermissions()) throw loss;
  for (let furthest = -1, idle = 0;;) {
    const now = await progress();
    idle = now > furthest ? 0 : idle + 1;
    if (idle === TRIES) throw loss;
    furthest = Math.max(furthest, now);
    say(`${loss.message.split("\n", 1)[0]}: continuing from the last checkpoint in a new process`);
    const code = await runAgain({ [SUPERVISED]: "1" });
    if (code !== LOST) Deno.exit(code);
  }
}
