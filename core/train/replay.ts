/** The debug replay: which number of which tensor was the first that is not finite. */
import type { NonFinite, Program } from "../plan/mod.ts";

/**
 * Repeats updates `from + 1` to `step - 1`, then walks through update `step` one plan step at a time. The executor holds the weights
 * and moments behind update `from`; `write` sets the inputs of an update.
 */
export async function replayTo(
  program: Program,
  { write, from, step }: { write(step: number): void; from: number; step: number },
): Promise<NonFinite | undefined> {
  for (let again = from + 1; again < step; again++) {
    write(again);
    await program.run();
  }
  write(step);
  return await program.findNonFinite();
}
