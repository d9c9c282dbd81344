/** Golden cases of losses. The engine's head takes hidden rows and weights, so the logits are the rows and the weights are I. */
import { HymbaError } from "../../errors.ts";
import { at } from "../../lists.ts";
import { linearLogp } from "../../ops/linear_logp.ts";
import { nllLoss, ORPO_COLUMNS, orpoLoss } from "../../ops/losses.ts";
import type { GoldenFile } from "./file.ts";
import { columnsOf, identity } from "./layout.ts";
import { Recording } from "./recording.ts";

interface Targets {
  /** [B, T], below V. */
  readonly targets: Uint32Array<ArrayBuffer>;
  /** [B, T]: 1 where a target counts, else 0. */
  readonly weight: Float32Array<ArrayBuffer>;
}

/** Log-probabilities of the targets under the file's logits [B, T, V]. The gradient of the logits is `d_logits`. */
function logpOfLogits(
  recording: Recording,
  { B, T, V, targets }: { B: number; T: number; V: number; targets: Uint32Array<ArrayBuffer> },
) {
  const x = recording.packed("logits", [B, T, V], Float32Array.from(recording.file.tensor("logits").data));
  const w = recording.packed("identity", [V, V], identity(V));
  recording.gradient("d_logits", x);
  return linearLogp(recording.tape, { x, w, targets: recording.given("targets", [B, T], targets) }).logp;
}

/** The targets of a next-token loss in a file. Targets of −100 do not count. */
export function targetsOf(file: GoldenFile, { V, shape }: { V: number; shape: readonly number[] }): Targets {
  const targets = file.ids("targets", { V, shape, ignore: true });
  const weight = Float32Array.from(file.tensor("targets").data, (id) => id < 0 ? 0 : 1);
  if (!weight.includes(1)) throw new HymbaError(`${file.name}: no target counts`);
  return { targets, weight };
}

/** Cross-entropy, as a mean over the targets that count. */
export function crossEntropyCase(file: GoldenFile): Recording {
  const recording = new Recording(file), { shape } = file.tensor("logits");
  const V = at(shape, -1), R = shape.slice(0, -1).reduce((product, length) => product * length, 1);
  const { targets, weight } = targetsOf(file, { V, shape: shape.slice(0, -1) });
  const logp = logpOfLogits(recording, { B: 1, T: R, V, targets });
  const loss = nllLoss(recording.tape, { logp, weight: recording.given("weight", [1, R], weight) });
  recording.seed(loss);
  recording.output("loss", loss);
  return recording;
}

/** Values [B, T] shifted by one position: position t gets the value of token t + 1, the last position gets 0. */
function ofNextToken(values: ArrayLike<number>, T: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: values.length }, (_, i) => i % T === T - 1 ? 0 : at(values, i + 1));
}

export function orpoCase(file: GoldenFile): Recording {
  const recording = new Recording(file);
  const [B, T, V] = file.ranked("logits", "2n,T,V").shape as [number, number, number], n = B / 2;
  if (!Number.isInteger(n)) {
    throw new HymbaError(`${file.name}: an odd number of rows of logits`, {
      expected: "n chosen and n rejected rows",
      got: `${B} rows`,
    });
  }
  const targets = Uint32Array.from(ofNextToken(file.ids("ids", { V, shape: [B, T] }), T));
  const weight = ofNextToken(file.tensor("attn_mask", [B, T]).data, T);
  const completion = ofNextToken(file.tensor("completion_mask", [B, T]).data, T);
  for (let row = 0; row < B; row++) {
    if (!completion.subarray(row * T, (row + 1) * T).includes(1)) {
      throw new HymbaError(`${file.name}: row ${row} has no completion token`);
    }
  }
  const { loss, nll, pairs } = orpoLoss(recording.tape, {
    logp: logpOfLogits(recording, { B, T, V, targets }),
    weight: recording.given("attention mask", [B, T], weight),
    completion: recording.given("completion mask", [B, T], completion),
  }, { beta: file.number("beta") });
  recording.seed(loss);
  recording.output("loss", loss);
  recording.output("nll", nll);
  for (const [start, name] of ORPO_COLUMNS.entries()) {
    recording.output(name, pairs, columnsOf({ start, columns: 1, width: ORPO_COLUMNS.length }));
  }
  return recording;
}
