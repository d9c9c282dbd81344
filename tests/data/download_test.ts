import assert from "node:assert/strict";
import { join } from "node:path";
import { download } from "../../core/data/download.ts";
import { sha256 } from "../../core/disk/mod.ts";
import { systemDisk, temporaryName } from "../../core/disk/mod.ts";
import { HymbaError } from "../../core/errors.ts";
import { withFolders } from "./folders.ts";
import { serve } from "./local_server.ts";

const BYTES = Uint8Array.from({ length: 200_000 }, (_, i) => (i * i) % 251);

const file = (url: string, folder: string) => ({
  url,
  path: join(folder, "file"),
  bytes: BYTES.length,
  sha256: sha256(BYTES),
});

const exists = async (path: string) => await systemDisk.stat(path) !== undefined;

Deno.test("download: a partial download is continued", () =>
  withFolders(async ({ data }) => {
    await using server = serve(BYTES);
    const wanted = file(server.url, data);
    await Deno.writeFile(temporaryName(wanted.path), BYTES.slice(0, 70_000));
    await download(systemDisk, wanted);
    assert.equal(server.requests[0]?.headers.get("range"), "bytes=70000-");
    assert.deepEqual(await Deno.readFile(wanted.path), BYTES);
    assert.equal(await exists(temporaryName(wanted.path)), false);
  }));

Deno.test("download: a server that ignores the range sends the whole file again", () =>
  withFolders(async ({ data }) => {
    await using server = serve(BYTES, { noRanges: true });
    const wanted = file(server.url, data);
    await Deno.writeFile(temporaryName(wanted.path), BYTES.slice(0, 70_000));
    await download(systemDisk, wanted);
    assert.deepEqual(await Deno.readFile(wanted.path), BYTES);
  }));

Deno.test("download: after a lost connection the download continues", () =>
  withFolders(async ({ data }) => {
    await using server = serve(BYTES, { breakAfter: 120_000 });
    const wanted = file(server.url, data);
    const messages: string[] = [];
    await download(systemDisk, wanted, { onProgress: (message) => messages.push(message) });
    assert.equal(server.requests.length, 2);
    assert.match(server.requests[1]?.headers.get("range") ?? "", /^bytes=\d{5,6}-$/);
    assert.ok(messages.some((message) => message.startsWith("connection lost after 0.1 MB")), messages.join("\n"));
    assert.deepEqual(await Deno.readFile(wanted.path), BYTES);
  }));

Deno.test("download: wrong content is an error with both digests, and it is deleted", () =>
  withFolders(async ({ data }) => {
    await using server = serve(BYTES);
    const wanted = { ...file(server.url, data), sha256: "0".repeat(64) };
    await assert.rejects(() => download(systemDisk, wanted), (error) => {
      assert.ok(error instanceof HymbaError);
      assert.match(error.message, new RegExp(`is not the expected file\\n.*${"0".repeat(64)}\\n.*${sha256(BYTES)}`));
      return true;
    });
    assert.deepEqual([await exists(wanted.path), await exists(temporaryName(wanted.path))], [false, false]);
    await assert.rejects(() => download(systemDisk, { ...wanted, bytes: 1000 }), /expected: 1000 bytes/);
  }));

Deno.test("download: a server that does not answer, or stalls, times out; the part that arrived is kept", () =>
  withFolders(async ({ data }) => {
    await using silent = serve(BYTES, { silent: true });
    const wanted = file(silent.url, data);
    await assert.rejects(() => download(systemDisk, wanted, { connectTimeout: 50 }), /got: +no answer for 0.05 s/);
    await using stalling = serve(BYTES, { stallAfter: 16384 });
    const slow = { ...wanted, url: stalling.url };
    await assert.rejects(() => download(systemDisk, slow, { stallTimeout: 100 }), /got: +no data for 0.1 s/);
    assert.equal(await exists(wanted.path), false);
    assert.ok((await Deno.stat(temporaryName(wanted.path))).size >= 16384);
    await using server = serve(BYTES);
    await download(systemDisk, { ...wanted, url: server.url });
    assert.deepEqual(await Deno.readFile(wanted.path), BYTES);
  }));

Deno.test("download: without a server the error has a hint", () =>
  withFolders(async ({ data }) => {
    const gone = serve(BYTES);
    await gone[Symbol.asyncDispose]();
    await assert.rejects(() => download(systemDisk, file(gone.url, data)), (error) => {
      assert.ok(error instanceof HymbaError);
      assert.match(error.message, /^cannot download http:.*\n.*refused.*\n.*check the network/);
      return true;
    });
  }));
