/** Kinds of tokens, against values by hand: earlier tokens of the sequence, positions, lines, and frequency. */
import { strict as assert } from "node:assert";
import { meanOfKind, tokenKinds, whereIs } from "../../core/eval/token_kinds.ts";

const WORDS = ["a ", "b ", "c ", "\n"];
const [A, B, C, LINE] = [0, 1, 2, 3] as const;

/** Two pieces; the first is of two sequences of 4 tokens. */
const TOKENS = Uint32Array.of(A, B, A, B, C, C, LINE, A, /* second piece */ B, A, B);
/** Three frequent tokens of six, one rare. */
const TRAIN = Uint32Array.of(A, A, A, A, A, A, B, B, B, C);

const groups = tokenKinds({ part: { tokens: TOKENS, starts: [0, 8] }, train: TRAIN, T: 4, textOf: (id) => WORDS[id]! });
const kindsOf = (title: string) => {
  const group = groups.find((one) => one.title.includes(title))!;
  return Array.from(group.codes, (code) => group.kinds[code]);
};

Deno.test("kinds: a pair counts as seen only inside its own sequence", () => {
  const [seen, first, none] = ["seen in this sequence", "first part seen, other second part", "first part not seen"];
  // a→b, b→a, a→b again, b→c; then c→c, c→\n, \n→a; then b→a, a→b.
  assert.deepEqual(kindsOf("pair"), [none, none, seen, first, none, first, none, none, none]);
});

Deno.test("kinds: the distance to the last same token of the sequence, whose first input counts", () => {
  const first = "first occurrence";
  assert.deepEqual(kindsOf("distance"), [
    first,
    "2 to 4 back",
    "2 to 4 back",
    first,
    "1 back",
    first,
    first,
    first,
    "2 to 4 back",
  ]);
});

Deno.test("kinds: places start again with each sequence and each piece", () => {
  const [one, more] = ["token 1", "token 2 to 4"];
  assert.deepEqual(kindsOf("place"), [one, more, more, more, one, more, more, one, more]);
});

Deno.test("kinds: the first token of a line follows a line break; rarity is that of the training tokens", () => {
  assert.deepEqual(kindsOf("line").map((kind) => kind === "first token of a line"), [
    ...[false, false, false, false, false, false],
    true,
    ...[false, false],
  ]);
  const short = kindsOf("trained").map((kind) => kind!.split(" ")[0]);
  assert.deepEqual(short, [
    "between",
    "frequent",
    "between",
    "rare",
    "rare",
    "rare",
    "frequent",
    "frequent",
    "between",
  ]);
});

Deno.test("kinds: a mean of one kind uses its tokens alone", () => {
  const group = groups.find(({ title }) => title === "line")!, nats = Float32Array.from({ length: 9 }, (_, i) => i);
  assert.equal(meanOfKind(nats, whereIs(group, 0)), 6);
  assert.equal(meanOfKind(nats, whereIs(group, 1)), 30 / 8);
  assert.equal(meanOfKind(nats, new Uint8Array(9)), undefined);
});
