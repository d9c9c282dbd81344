import { strict as assert } from "node:assert";
import { compileCharsmap } from "../../core/tokenizer/charsmap.ts";
import { Tokenizer } from "../../core/tokenizer/mod.ts";
import { MessageWriter } from "../../core/tokenizer/protobuf.ts";
import type { Dice } from "./dice.ts";
import type { FuzzTarget } from "./targets.ts";

const PIECES = ["▁", "a", "b", "▁a", "ab", "é", "語", "<0x0A>", "<s>", "\u{1f600}", "__proto__", " ", "aaaaaaaa"];
const CHARSMAP = compileCharsmap(new Map([["A", "a"], ["ﬁ", "fi"], ["B", ""]]));
const TEXT = "a ab é\n語 ﬁAB";

/** Faults that keep the messages well-formed. */
const WRONG: ((out: MessageWriter, dice: Dice) => void)[] = [
  (out) => out.bytes(1, new MessageWriter().text(1, "a").float(2, NaN).finish()),
  (out) => out.bytes(1, new MessageWriter().text(1, "twice").float(2, -1).finish()).bytes(1, twice),
  (out) => out.bytes(1, new MessageWriter().text(1, "z").varint(3, 7).finish()),
  (out) => out.bytes(1, new MessageWriter().text(1, "").finish()),
  (out) => out.bytes(1, new MessageWriter().text(1, "a\0b").finish()),
  (out) => out.bytes(1, new MessageWriter().bytes(1, Uint8Array.of(0xc0, 0x80)).finish()),
  (out) => out.varint(1, 3),
  (out) => out.bytes(1, new MessageWriter().text(1, "second unknown").varint(3, 2).finish()),
  (out) => out.bytes(2, new MessageWriter().varint(3, 2).finish()),
  (out, dice) => out.bytes(3, new MessageWriter().bytes(2, CHARSMAP.slice(0, dice.below(CHARSMAP.length))).finish()),
];
const twice = new MessageWriter().text(1, "twice").float(2, -2).finish();

function generate(dice: Dice): { bytes: Uint8Array<ArrayBuffer>; sound: boolean } {
  const out = new MessageWriter().bytes(1, new MessageWriter().text(1, "<unk>").float(2, 0).varint(3, 2).finish());
  const start = dice.below(PIECES.length), count = 1 + dice.below(6);
  for (let i = 0; i < count; i++) {
    const piece = new MessageWriter().text(1, PIECES[(start + i) % PIECES.length]!).float(2, -1 - dice.below(50) / 4);
    if (dice.once(8)) piece.varint(3, dice.pick([1, 3, 4, 5, 6]));
    if (dice.once(16)) piece.text(200, "kept");
    out.bytes(1, piece.finish());
  }
  out.bytes(2, new MessageWriter().varint(3, 1).varint(4, count + 1).flag(24, dice.once(8)).finish());
  const normalizer = new MessageWriter().text(1, dice.pick(["identity", "nfkc", ""])).flag(3, dice.once(2));
  if (dice.once(4)) normalizer.bytes(2, CHARSMAP);
  out.bytes(3, normalizer.flag(4, dice.once(2)).flag(5, !dice.once(4)).finish());
  const sound = dice.once(2);
  if (!sound) dice.pick(WRONG)(out, dice);
  return { bytes: out.finish() as Uint8Array<ArrayBuffer>, sound };
}

/** An accepted model encodes and decodes any text, and survives a round trip through its own file. */
function parse(bytes: Uint8Array<ArrayBuffer>): boolean {
  const tokenizer = Tokenizer.fromModelBytes(bytes, { name: "input" }), ids = tokenizer.encode(TEXT);
  for (const id of ids) assert(id < tokenizer.vocabSize);
  assert.equal(typeof tokenizer.decode(ids), "string");
  const again = Tokenizer.fromModelBytes(tokenizer.toModelBytes(), { name: "again" });
  assert.equal(again.vocabSize, tokenizer.vocabSize);
  for (let id = 0; id < again.vocabSize; id++) {
    const [one, other] = [tokenizer.pieces[id]!, again.pieces[id]!];
    assert(one.piece === other.piece && Object.is(one.score, other.score) && one.type === other.type, `piece ${id}`);
  }
  return true;
}

/** The reader of SentencePiece models. */
export const modelTarget: FuzzTarget = { generate, parse };
