/** `hymba serve`: it starts, answers and ends; wrong requests are told in words. */
import { strict as assert } from "node:assert";
import { join } from "node:path";
import { hymba, makePlace, start } from "./command_line.ts";
import { checkedJson } from "./json_schemas.ts";

const place = await makePlace(), run = join(place.folder, "run");
const training = ["--preset", "smoke", "--steps", "2", "--backend", "cpu", "--data", place.text, "--out", run];
const made = await hymba(place, "pretrain", "--model", "mamba", ...training);

Deno.test("serve: it prints its address, answers there, and ends with an interrupt", async () => {
  assert.equal(made.code, 0, made.error);
  const child = start(place, ["serve", run, "--json"]),
    reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let out = "";
  while (!out.includes("\n")) {
    const { value, done } = await reader.read();
    if (done) break;
    out += value;
  }
  const { run: folder, address } = checkedJson(out);
  assert.equal(folder, run);
  assert.ok(typeof address === "string");
  assert.match(address, /^http:\/\/127\.0\.0\.1:\d+\/$/);
  const page = await (await fetch(address)).text(), script = /src="(\w+\.js)"/.exec(page)?.[1];
  assert.equal((await (await fetch(address + script)).arrayBuffer()).byteLength > 50_000, true);
  assert.equal((await (await fetch(`${address}progress.json`)).json()).cells[0].arm, "mamba");
  const taken = await hymba(place, "serve", run, "--no-open", "--port", new URL(address).port);
  assert.deepEqual([taken.code, taken.error.includes("cannot be used")], [2, true]);
  child.kill("SIGINT");
  await reader.cancel();
  await child.stderr.cancel();
  assert.equal((await child.status).code, 0);
});

Deno.test("serve: the JSON of an export and of an error follows its schema", async () => {
  const site = join(place.folder, "site"), written = await hymba(place, "serve", run, "--export", site, "--json");
  assert.equal(written.code, 0, written.error);
  const paths: unknown = JSON.parse(written.out).written;
  assert.ok(Array.isArray(paths) && paths.includes(join(site, "progress.json")), written.out);
  await Deno.remove(site, { recursive: true });
  const refused = await hymba(place, "serve", join(place.folder, "nothing"), "--json");
  assert.deepEqual([refused.code, JSON.parse(refused.out).error.kind], [2, "usage"]);
});

Deno.test("serve: a folder that is no run, and an export over files, are refused and change nothing", async () => {
  const none = await hymba(place, "serve", join(place.folder, "nothing"), "--no-open");
  assert.deepEqual([none.code, none.error.includes("is not a run")], [2, true]);
  const over = await hymba(place, "serve", run, "--export", place.folder);
  assert.deepEqual([over.code, over.error.includes("has files in it")], [2, true]);
  const both = await hymba(place, "serve", run, "--export", join(place.folder, "page"), "--port", "80");
  assert.deepEqual([both.code, both.error.includes("starts no server")], [2, true]);
  assert.deepEqual([...Deno.readDirSync(place.folder)].map(({ name }) => name).sort(), ["cache", "made-up.txt", "run"]);
});
