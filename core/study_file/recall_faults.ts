/** Finds faults of the task of the recall probe before training. */
import type { RecallConfig } from "../config/mod.ts";
import { type Fault, faultAt, shown, type Values } from "./values.ts";

/** The faults of a task for models with `vocabSize` tokens. The rules are those of `core/data/recall.ts`. */
export function recallFaults(
  values: Values,
  { recall, vocabSize }: { recall: Omit<RecallConfig, "arms">; vocabSize: number },
): Fault[] {
  const faults: Fault[] = [], { keys, values: answers, fillers, length, ranges, perRange } = recall;
  const fault = (name: string, expected: string, others: readonly string[] = []) => {
    const path = `recall.${name}`, given = values.get(path);
    const at = given ? faultAt(given.origin) : path, keys = [name, ...others].map((one) => `recall.${one}`);
    faults.push({ at, what: path, expected, got: shown(given?.value), keys });
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
