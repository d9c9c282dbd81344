import { strict as assert } from "node:assert";
import { packedLike, packHalves, unpackHalves } from "../../core/ops/halves.ts";
import { finish, ReferenceExecutor } from "../../core/plan/mod.ts";
import { randomInteger } from "../../core/random.ts";
import { fromHalf, rounded, toHalf } from "../../core/reference/halves.ts";
import { EXPONENT_BITS, HALF_FORMATS, type HalfFormat, sliceColumns, Tape } from "../../core/tensor/mod.ts";
import { WebgpuExecutor } from "../../core/webgpu/executor.ts";
import { executors } from "./executors.ts";
import { ScanInSpans } from "./scan_in_spans.ts";
import { storedScan, storedSwiglu } from "./stored_halves.ts";
import { BOUNDS, compare, fillProgram, type OpCase, record } from "./harness.ts";
import { thorough } from "../thorough.ts";

const FORMATS = HALF_FORMATS.map((format) => [format, EXPONENT_BITS[format]] as const);

const everyHalf = Array.from({ length: 0x10000 }, (_, pattern) => pattern);

const bitsOf = (values: Float32Array) => new Uint32Array(values.buffer, values.byteOffset, values.length);

/** Numbers of all sizes: every exponent of f32, ties, neighbours of ties, infinities and NaN. */
function trickyNumbers(count: number): Float32Array<ArrayBuffer> {
  const values = new Float32Array(count), patterns = bitsOf(values);
  const ends = [0, 1, 0xfff, 0x1000, 0x1001, 0x7fff, 0x8000, 0x8001, 0x17fff, 0x18000, 0x7fffff];
  for (let i = 0; i < count; i++) {
    const draw = (of: number, limit: number) => randomInteger({ seed: 4, stream: of, step: 0 }, i, limit);
    const mantissa = draw(1, 2) === 0
      ? draw(2, 0x800000)
      : (draw(2, 0x400) << 13 | ends[draw(3, ends.length)]!) & 0x7fffff;
    // Half of the exponents are near the start, in the range, or near the end of f16.
    const exponent = draw(4, 2) === 0 ? draw(5, 256) : 98 + draw(5, 48);
    patterns[i] = (draw(6, 2) * 2 ** 31 + exponent * 2 ** 23 + mantissa) >>> 0;
  }
  const named = [
    0,
    -0,
    Infinity,
    -Infinity,
    NaN,
    65504,
    65519.996,
    65520,
    -65536,
    2 ** -24,
    2 ** -25,
    2 ** -149,
    3.4e38,
  ];
  values.set(named.slice(0, count));
  return values;
}

Deno.test("f16: the reference agrees with the language's own, both ways, on every pattern", () => {
  const halves = new Float16Array(1), pattern = new Uint16Array(halves.buffer);
  for (const half of everyHalf) {
    pattern[0] = half;
    assert.ok(Object.is(fromHalf(half, 5), halves[0]) || (Number.isNaN(halves[0]) && Number.isNaN(fromHalf(half, 5))));
  }
  for (const value of trickyNumbers(40_000)) {
    halves[0] = value;
    if (Number.isNaN(value)) assert.ok(Number.isNaN(fromHalf(toHalf(value, 5), 5)));
    else assert.equal(toHalf(value, 5), pattern[0], String(value));
  }
});

Deno.test("bf16: the reference rounds to the nearer of two neighbours, and to the even one in the middle", () => {
  for (const value of trickyNumbers(40_000)) {
    const half = toHalf(value, 8), near = fromHalf(half, 8);
    if (!Number.isFinite(value)) {
      assert.ok(Object.is(near, value));
      continue;
    }
    // Behind the largest finite number comes the one that the next exponent would begin with.
    const size = (pattern: number) => (pattern & 0x7fff) === 0x7f80 ? 2 ** 128 : Math.abs(fromHalf(pattern, 8));
    const distance = Math.abs(size(half) - Math.abs(value));
    for (const other of [half - 1, half + 1]) {
      if ((other & 0x8000) !== (half & 0x8000) || (other & 0x7fff) > 0x7f80) continue;
      const further = Math.abs(size(other) - Math.abs(value));
      assert.ok(distance < further || (distance === further && half % 2 === 0), `${value} became ${near}`);
    }
  }
});

Deno.test("a 16-bit float is rounded to itself", () => {
  for (const [, bits] of FORMATS) {
    for (const half of everyHalf) {
      const value = fromHalf(half, bits);
      if (Number.isNaN(value)) assert.ok(Number.isNaN(rounded(value, bits)));
      else assert.equal(toHalf(value, bits), half);
    }
  }
});

/** Packs a slice of each row and unpacks it into a slice of wider rows. */
function roundTrip(
  format: HalfFormat,
  { R, C, before, behind }: { R: number; C: number; before: number; behind: number },
) {
  const tape = new Tape(false), wide = tape.input("wide", [R, before + C + behind]);
  const x = sliceColumns(wide, before, [C]), words = packedLike(x, { name: "x", format });
  const whole = tape.tensor("back", [R, before + C]), back = sliceColumns(whole, before, [C]);
  tape.steps.push(packHalves(x, words), unpackHalves(words, back));
  return { plan: finish(tape, { name: "halves", outputs: [words, back] }), wide, words, back };
}

for (const [format] of FORMATS) {
  for (
    const [R, C, before, behind] of [
      [1, 1, 0, 0],
      [3, 63, 1, 0],
      [65, 8, 0, 4],
      [5, 36, 4, 8],
      [7, 8, 2, 2],
      [7, 257, 3, 2],
      [20, 256, 0, 0],
    ] as const
  ) {
    Deno.test(`${format}: [${R}, ${C}] behind ${before} and before ${behind} columns has the bits of the reference`, async () => {
      const made = roundTrip(format, { R, C, before, behind });
      const values = trickyNumbers(R * (before + C + behind));
      const truth = await new ReferenceExecutor().prepare(made.plan);
      truth.write(made.wide, values);
      await truth.run();
      for (const executor of await executors()) {
        const program = await executor.prepare(made.plan);
        program.write(made.wide, values);
        await program.run();
        const [words, back] = [await program.read(made.words), await program.read(made.back)];
        assert.deepEqual(
          withoutPayload(words, format),
          withoutPayload(await truth.read(made.words), format),
          executor.name,
        );
        const expected = await truth.read(made.back);
        for (const [i, value] of back.entries()) {
          assert.ok(Object.is(value, expected[i]), `${executor.name}: ${value} at ${i}, expected ${expected[i]}`);
        }
        program.dispose();
      }
    });
  }
}

/** The halves of words, with one value for every NaN, because the bits of a NaN are not specified. */
const withoutPayload = (words: ArrayLike<number>, format: HalfFormat) =>
  Array.from(words).flatMap((word) => [word % 0x10000, Math.floor(word / 0x10000)])
    .map((half) => Number.isNaN(fromHalf(half, EXPONENT_BITS[format])) ? "NaN" : half);

const READERS: Record<string, (width: number) => OpCase> = {
  swiglu_backward: (F) => storedSwiglu({ R: 5, F }),
  selective_scan_backward: (I) => storedScan({ B: 2, T: 37, I, N: 4 }),
};

/** A software adapter takes most of a minute to compile the scan's backward pass, for each width and format. */
const slow = (op: string, format: HalfFormat, width: number) =>
  op === "selective_scan_backward" && (format !== "bf16" || width !== 63);

for (const [op, caseOf] of Object.entries(READERS)) {
  for (const [format] of FORMATS) {
    for (const width of [1, 6, 63, 68]) {
      thorough(`${op} reads ${format} where it lies, rows of ${width}`, async () => {
        const built = record({ ...caseOf(width), saved: format });
        const step = built.plan.steps.find((step) => step.op.name === op)!;
        const packed = Object.values(step.reads).filter((x) => x.packed);
        assert.ok(packed.length > 0, "nothing is read as words");
        const truth = await new ReferenceExecutor().prepare(built.plan);
        fillProgram(truth, built);
        await truth.run();
        const all = await executors(), scan = op === "selective_scan_backward";
        const spans = all.flatMap((executor) =>
          scan && executor instanceof WebgpuExecutor ? [new ScanInSpans(executor, 2)] : []
        );
        for (const executor of [...all, ...spans]) {
          if (executor.name === "webgpu" && slow(op, format, width)) continue;
          const program = await executor.prepare(built.plan);
          fillProgram(program, built);
          await program.run();
          await compare(built, truth, { program, who: `${op} on ${executor.name}`, bounds: BOUNDS });
          program.dispose();
        }
      });
    }
  }
}
