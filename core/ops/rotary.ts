/** Rotary position embedding, rotate-half layout. */
import { HymbaError } from "../errors.ts";
import { defineOp, dimsOf, type Tape, type Tensor } from "../tensor/mod.ts";

export const rotaryOp = defineOp({
  name: "rotary",
  phase: "any",
  attributes: ["B", "T", "H", "K", "sign", "low"],
  reads: { x: "B T H K", table: "*", position: "B ?" },
  writes: { y: "B T H K" },
  flops: ({ B, T, H, K }) => 3 * B * T * H * K,
});

/**
 * cos and sin of position · base^(−2i/K), computed in float64: software adapters lose digits at large arguments. Row t is position t · apart.
 * Shapes: returns [positions, 2, K/2], cosines before sines. Source: Su et al., "RoFormer", 2021.
 */
export function rotaryTable(
  positions: number,
  K: number,
  { base = 10000, apart = 1 } = {},
): Float32Array<ArrayBuffer> {
  const half = K / 2, table = new Float32Array(positions * K);
  for (let t = 0; t < positions; t++) {
    for (let i = 0; i < half; i++) {
      const angle = t * apart * base ** (-2 * i / K);
      table[t * K + i] = Math.cos(angle);
      table[t * K + half + i] = Math.sin(angle);
    }
  }
  return table;
}

/** Rows of {@link longRotaryTable} for the low part of a position. */
export const ROTARY_LOW = 1024;

/**
 * Angles of any position below `positions` from few rows: position = high · ROTARY_LOW + low, and the angle is the sum of two.
 * Returns [ROTARY_LOW + ⌈positions / ROTARY_LOW⌉, 2, K/2]: the rows of the low parts, then those of the high parts. A position below
 * ROTARY_LOW has the same bits as in {@link rotaryTable}: its high part has cosine 1 and sine 0.
 */
export function longRotaryTable(positions: number, K: number, { base = 10000 } = {}): Float32Array<ArrayBuffer> {
  const highs = Math.ceil(positions / ROTARY_LOW), table = new Float32Array((ROTARY_LOW + highs) * K);
  table.set(rotaryTable(ROTARY_LOW, K, { base }));
  table.set(rotaryTable(highs, K, { base, apart: ROTARY_LOW }), ROTARY_LOW * K);
  return table;
}

/**
 * Rotates the pairs (i, i + K/2) of every head by the angle of its position: t, or position[b] + t where starts are given.
 * Shapes: x [B, T, heads, K] (rows B·T, may be a slice), table [positions ≥ T, 2, K/2], position [B] u32; returns y [B, T, heads, K].
 * With `low` the table is a {@link longRotaryTable} with that many rows for low parts. Backward is the rotation by the negative angle.
 */
export function rotary(
  tape: Tape,
  { x, table, position }: { x: Tensor; table: Tensor; position?: Tensor },
  { low = 0 }: { low?: number } = {},
): Tensor {
  const [B, T, heads, K] = dimsOf(x, 4);
  if (x.lead !== 2 || K % 2 !== 0 || table.shape[2] !== K / 2) {
    throw new HymbaError(
      `rotary: ${x.name} is [${x.shape}] with ${x.lead} row dimensions, the table [${table.shape}]`,
      {
        expected: "[B,T,heads,K] with B·T rows, a table [positions,2,K/2] and an even K",
      },
    );
  }
  const y = tape.tensor("rotated", [B, T, heads * K]);
  const shaped: Tensor = { ...y, shape: x.shape, lead: 2 };
  const attributes = { B, T, H: heads, K, sign: 1, low };
  tape.step(rotaryOp, {
    attributes,
    reads: { x, table, position },
    writes: { y: shaped },
  });
  tape.onBackward(() => {
    const dy = tape.gradient(shaped), dx = tape.target(x);
    if (!dy || !dx) return;
    if (dx.accumulate) throw new HymbaError("rotary: the input has several uses; expected: one use");
    const writes = { y: dx.tensor };
    tape.step(rotaryOp, {
      attributes: { ...attributes, sign: -1 },
      reads: { x: dy, table },
      writes,
    });
  });
  return shaped;
}
