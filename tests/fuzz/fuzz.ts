import process from "node:process";
import { HymbaError } from "../../core/errors.ts";
import { Dice } from "./dice.ts";
import { mutated } from "./mutator.ts";
import type { FuzzTarget } from "./targets.ts";

/** The result of a fuzzing run. */
export interface FuzzResult {
  inputs: number;
  accepted: number;
  refused: number;
  /** Longest time of one input, in milliseconds. */
  slowest: number;
  seconds: number;
}

/** Longest time one input may take, in milliseconds. */
const HANG = 1000;

/** One input by its number. One of three comes unchanged from the generator, two are mutated. */
function inputOf(target: FuzzTarget, dice: Dice): { bytes: Uint8Array<ArrayBuffer>; sound: boolean } {
  const made = target.generate(dice);
  return dice.once(3) ? made : { bytes: mutated(made.bytes, dice), sound: false };
}

/** False if the error is a HymbaError, which means that the input was refused. */
function refusal(error: unknown): false {
  if (error instanceof HymbaError) return false;
  throw error;
}

/** Awaits only if the parser returns a promise: an await for each of ten million inputs takes longer than some parsers. */
function accepts(target: FuzzTarget, bytes: Uint8Array<ArrayBuffer>): Promise<boolean> | boolean {
  try {
    const accepted = target.parse(bytes);
    return typeof accepted === "boolean" ? accepted : accepted.catch(refusal);
  } catch (error) {
    return refusal(error);
  }
}

/** Processor time of this process, in milliseconds: on a busy machine the wall clock says nothing. */
export const processorTime = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

/** Whether the input is slow again, in processor time. */
async function hangs(target: FuzzTarget, bytes: Uint8Array<ArrayBuffer>): Promise<boolean> {
  const start = processorTime();
  await accepts(target, bytes);
  return processorTime() - start > HANG;
}

const hex = (bytes: Uint8Array) => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/**
 * Feeds a parser until `inputs` are done or `seconds` have passed, whichever is first. Throws when an error is not typed,
 * when a valid input is refused, or when one input takes over a second. The message has seed, number and bytes of the input.
 */
export async function fuzz(
  target: FuzzTarget,
  { seed, inputs = Infinity, seconds = Infinity, first = 0 }: {
    seed: number;
    inputs?: number;
    seconds?: number;
    first?: number;
  },
): Promise<FuzzResult> {
  const result = { inputs: 0, accepted: 0, refused: 0, slowest: 0, seconds: 0 };
  const start = performance.now();
  for (let now = start; result.inputs < inputs && result.seconds < seconds;) {
    const input = first + result.inputs++;
    const { bytes, sound } = inputOf(target, new Dice(seed, input));
    const described = () => `seed ${seed}, input ${input}: ${hex(bytes)}`;
    let accepted: boolean;
    try {
      const answer = accepts(target, bytes);
      accepted = typeof answer === "boolean" ? answer : await answer;
    } catch (cause) {
      throw new Error(`untyped error at ${described()}`, { cause });
    }
    if (sound && !accepted) throw new Error(`a sound input was refused at ${described()}`);
    result[accepted ? "accepted" : "refused"]++;
    const then = now;
    now = performance.now();
    result.slowest = Math.max(result.slowest, now - then);
    result.seconds = (now - start) / 1000;
    if (now - then > HANG && await hangs(target, bytes)) throw new Error(`over ${HANG} ms at ${described()}`);
  }
  return result;
}
