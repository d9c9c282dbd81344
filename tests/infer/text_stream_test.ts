/** Text as it is made: the parts are the whole text, characters are whole, and stop strings end it wherever tokens begin. */
import { strict as assert } from "node:assert";
import { UsageError } from "../../core/errors.ts";
import { TextStream } from "../../core/infer/text_stream.ts";
import { type Tokenizer, trainTokenizer } from "../../core/tokenizer/mod.ts";

const TEXT = "ROMEO:\nWhat light through yonder window breaks?\n\nJULIET:\nAy me! Größe, naïve 日本 🙂 end.\n\n".repeat(
  30,
);

let trained: Promise<Tokenizer> | undefined;
const tokenizer = (): Promise<Tokenizer> =>
  trained ??= Promise.resolve(trainTokenizer(TEXT, { vocabSize: 300, byteFallback: true }));

/** The parts that a stream gives for these ids, and whether it stopped. */
async function partsOf(
  ids: Iterable<number>,
  stops?: readonly string[],
): Promise<{ parts: string[]; stopped: boolean }> {
  const stream = new TextStream(await tokenizer(), { stops, continues: false }), parts: string[] = [];
  for (const id of ids) {
    const { text, stopped } = stream.push(id);
    parts.push(text);
    if (stopped) return { parts, stopped };
  }
  const { text, stopped } = stream.finish();
  return { parts: [...parts, text], stopped };
}

Deno.test("the parts of a text are the text, also of characters that are bytes of several tokens", async () => {
  const made = await tokenizer();
  for (const text of [TEXT.slice(0, 300), "aé日本🙂🧪𝄞 z", "🧪🧪🧪", "ß", "x".repeat(2000), "日".repeat(700)]) {
    const ids = made.encode(text), { parts, stopped } = await partsOf(ids);
    assert.equal(parts.join(""), made.decode(ids));
    assert.equal(stopped, false);
    for (const part of parts) assert.ok(!/\ufffd/u.test(part) && part.isWellFormed(), JSON.stringify(part));
  }
});

Deno.test("bytes that are no character are U+FFFD, but those of a character that is cut off at the end are left out", async () => {
  const made = await tokenizer(), ids = [...made.encode("🧪")].slice(0, -2);
  const { parts } = await partsOf([...ids, ...made.encode("b")]);
  assert.equal(parts.join(""), made.decode([...ids, ...made.encode("b")]));
  assert.equal((await partsOf(ids)).parts.join(""), "");
  const cut = [...made.encode("a 日"), ...[...made.encode("🧪")].slice(1, -1)];
  assert.equal((await partsOf(cut)).parts.join(""), "a 日");
});

Deno.test("a stop string ends the text in front of it, for every beginning and every cut into tokens", async () => {
  const made = await tokenizer(), text = TEXT.slice(0, 120), whole = made.decode(made.encode(text));
  for (let at = 1; at < 60; at += 3) {
    for (const length of [1, 2, 5, 12]) {
      const stop = whole.slice(at, at + length), first = whole.indexOf(stop);
      for (
        const ids of [
          made.encode(text),
          [...text].flatMap((letter) => [...made.encodeBytes(new TextEncoder().encode(letter))]),
        ]
      ) {
        const direct = made.decode(ids), end = direct.indexOf(stop);
        const { parts, stopped } = await partsOf(ids, ["never in here", stop]);
        assert.equal(stopped, end >= 0);
        assert.equal(parts.join(""), end >= 0 ? direct.slice(0, end) : direct);
      }
      assert.ok(first >= 0);
    }
  }
});

Deno.test("what may begin a stop string is held back, and given out when it does not go on", async () => {
  const made = await tokenizer(), ids = made.encode("window breaks"), text = made.decode(ids);
  assert.equal((await partsOf(ids, ["breaks?"])).parts.join(""), text);
  const { parts } = await partsOf(ids, [`${text}!`]);
  assert.deepEqual(parts.slice(0, -1).join(""), "", "nothing is shown while all of it may be the stop string");
  assert.equal(parts.at(-1), text);
});

Deno.test("of two stop strings the one that comes first counts; an empty one is a usage error", async () => {
  const made = await tokenizer(), ids = made.encode("yonder window"), text = made.decode(ids);
  const { parts } = await partsOf(ids, ["window", "onder"]);
  assert.equal(parts.join(""), text.slice(0, text.indexOf("onder")));
  const letters = [..." the"].flatMap((letter) => [...made.encodeBytes(new TextEncoder().encode(letter))]);
  for (const cuts of [made.encode("x the").slice(1), letters]) {
    assert.equal((await partsOf(cuts, [" the", "h"])).parts.join("").trim(), "t", "the one that is complete first");
    assert.equal((await partsOf(cuts, ["he", "the"])).parts.join("").trim(), "", "of two with one end the longer one");
  }
  assert.throws(() => new TextStream(made, { stops: ["a", ""] }), UsageError);
});

Deno.test("tokens that continue a text keep the space in front of their first word", async () => {
  const made = await tokenizer(), ids = [...made.encode("yonder window breaks")];
  for (let cut = 1; cut < ids.length; cut++) {
    const before = made.decode(ids.slice(0, cut)), stream = new TextStream(made);
    const after = ids.slice(cut).map((id) => stream.push(id).text).join("") + stream.finish().text;
    assert.equal(before + after, "yonder window breaks");
  }
});
