import type { Dice } from "./dice.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Numbers and characters that are edge cases of parsers. */
const TOKENS = [
  "0",
  "-1",
  "1e9",
  "0.5",
  "00",
  "9007199254740991",
  "9007199254740992",
  "18446744073709551615",
  "4294967296",
  "null",
  "true",
  "{}",
  "[]",
  "[[",
  "}}",
  '"',
  '""',
  ",",
  ":",
  " ",
  "\\",
  "\\u0000",
  "\\ud800",
  "\n",
  "\ufeff",
  "\u202e",
  "\x1b[2J",
  "__proto__",
  "__metadata__",
  "../",
].map((token) => new TextEncoder().encode(token));

const EDGES = [0, 1, 0x20, 0x22, 0x2c, 0x30, 0x5c, 0x7b, 0x7d, 0x7f, 0x80, 0xc0, 0xff];

/** The input with `[start, end)` replaced. */
function spliced(input: Bytes, { start, end, by }: { start: number; end: number; by: Uint8Array }): Bytes {
  const out = new Uint8Array(start + by.length + input.length - end);
  out.set(input.subarray(0, start));
  out.set(by, start);
  out.set(input.subarray(end), start + by.length);
  return out;
}

/** A position in the input. The start is as likely as all the rest, because lengths and headers are there. */
const place = (input: Bytes, dice: Dice) => dice.below((dice.once(2) ? Math.min(input.length, 8) : input.length) + 1);

function range(input: Bytes, dice: Dice) {
  const start = dice.below(input.length + 1);
  return { start, end: Math.min(input.length, start + dice.below(dice.once(8) ? input.length + 1 : 16)) };
}

const MUTATIONS: ((input: Bytes, dice: Dice) => Bytes)[] = [
  (input, dice) => {
    const at = place(input, dice);
    if (at < input.length) input[at]! ^= 1 << dice.below(8);
    return input;
  },
  (input, dice) => {
    const at = place(input, dice);
    if (at < input.length) input[at] = dice.pick(EDGES);
    return input;
  },
  (input, dice) => {
    const at = place(input, dice);
    if (at < input.length) input[at]! += dice.below(33) - 16;
    return input;
  },
  (input, dice) => spliced(input, { ...range(input, dice), by: new Uint8Array() }),
  (input, dice) => spliced(input, { ...range(input, dice), by: dice.pick(TOKENS) }),
  (input, dice) => {
    const at = dice.below(input.length + 1);
    return spliced(input, { start: at, end: at, by: dice.pick(TOKENS) });
  },
  (input, dice) => {
    const { start, end } = range(input, dice), at = dice.below(input.length + 1);
    return spliced(input, { start: at, end: at, by: input.slice(start, end) });
  },
  (input, dice) => input.slice(0, dice.below(input.length + 1)),
];

/** A copy of the input with one to four random changes. */
export function mutated(input: Bytes, dice: Dice): Bytes {
  let out: Bytes = input.slice();
  for (let changes = 1 + dice.below(4); changes > 0; changes--) out = dice.pick(MUTATIONS)(out, dice);
  return out;
}
