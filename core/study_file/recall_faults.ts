/** Finds faults of the task of the recall probe before training. */
import type { RecallConfig } from "../config/mod.ts";
import { type Fault, faultAt, isOwn, shown, type Values } from "./values.ts";

/**
 * A fault of a key of the task. `others`: the keys that it depends on. A usual value is wrong only because of a value that the
 * author gave, so the fault stands there.
 */
function faultOf(
  values: Values,
  name: string,
  { expected, others = [] }: { expected: string; others?: readonly string[] },
): Fault {
  const keys = [name, ...others].map((one) => `recall.${one}`), path = `recall.${name}`;
  const cause = keys.find((key) => isOwn(values, key)) ?? path, given = values.get(cause);
  const what = cause === path ? path : `${cause} decides ${path}`;
  return { at: given ? faultAt(given.origin) : path, what, expected, got: shown(values.get(path)?.value), keys };
}

/** The faults of a task for models with `vocabSize` tokens. The rules are those of `core/data/recall.ts`. */
export function recallFaults(
  values: Values,
  { recall, vocabSize }: { recall: Omit<RecallConfig, "arms">; vocabSize: number },
): Fault[] {
  const faults: Fault[] = [], { keys, values: answers, fillers, length, ranges, perRange } = recall;
  const fault = (name: string, expected: string, others: readonly string[] = []) => {
    faults.push(faultOf(values, name, { expected, others }));
  };
  const tokens = keys + answers + fillers, questions = ranges.length * perRange;
  if (vocabSize !== tokens) {
    fault("model.vocabSize", `${tokens}, which is keys + values + fillers`, [
      "keys",
      "values",
      "fillers",
    ]);
  }
  if (recall.patience !== undefined && recall.evaluateEvery === undefined) {
    fault("patience", "no value without recall.evaluateEvery", ["evaluateEvery"]);
  }
  if (keys < questions) {
    fault("keys", `at least ${questions}, one for each question of a sequence`, ["ranges", "perRange"]);
  }
  if (length % 2 !== 0 || length < 4 * questions) {
    const expected = `an even number of at least ${4 * questions} tokens, four for each question`;
    fault("length", expected, ["ranges", "perRange"]);
  }
  const isRange = ([least, most]: readonly [number, number]) =>
    least % 2 === 0 && most % 2 === 0 && least <= most && most < length;
  if (!ranges.every(isRange)) {
    fault("ranges", `even distances [least, most], most below the ${length} of recall.length`, ["length"]);
  }
  return faults;
}
