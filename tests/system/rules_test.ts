import assert from "node:assert/strict";
import {
  cacheBase,
  gpuBackend,
  isLockless,
  loadNative,
  mayGoWithoutLock,
  nativeHint,
  openCommand,
  passesSignals,
  stopSignals,
  swiftShaderRuns,
  syncsFolders,
  systemErrorCode,
  warnWithoutLocks,
  whileHeld,
} from "../../core/system/mod.ts";
import { systemDisk } from "../../core/disk/mod.ts";

const withNumber = (number: number) => new Error(`cannot do it. (os error ${number})`);

Deno.test("system: Windows' numbers of errors have the usual codes", async () => {
  const codes = {
    5: "EACCES",
    32: "EBUSY",
    33: "EBUSY",
    39: "ENOSPC",
    112: "ENOSPC",
    206: "ENAMETOOLONG",
    1295: "EDQUOT",
  };
  for (const [number, code] of Object.entries(codes)) {
    assert.equal(await systemErrorCode(withNumber(Number(number)), { os: "windows" }), code);
  }
  assert.equal(await systemErrorCode(withNumber(99_999), { os: "windows" }), "UNKNOWN");
});

Deno.test("system: a number means what it means on its own system", async () => {
  assert.equal(await systemErrorCode(withNumber(112), { os: "windows" }), "ENOSPC");
  assert.notEqual(await systemErrorCode(withNumber(112), { os: "linux" }), "ENOSPC");
  assert.equal(await systemErrorCode(new TypeError("a path with a NUL"), { os: "linux" }), "EINVAL");
  assert.equal(await systemErrorCode(Object.assign(new Error(), { code: "EXDEV" }), { os: "linux" }), "EXDEV");
});

/** Runs work that fails with `codes` in turn and then succeeds. Returns the tries and the waits. */
async function held(os: typeof Deno.build.os, codes: readonly string[]) {
  const left = [...codes], waits: number[] = [];
  let tries = 0;
  const work = () => {
    tries++;
    const code = left.shift();
    return code === undefined ? Promise.resolve("done") : Promise.reject(Object.assign(new Error(code), { code }));
  };
  const wait = (milliseconds: number) => Promise.resolve(void waits.push(milliseconds));
  const codeOf = (cause: unknown) => systemErrorCode(cause, { os });
  const result = await whileHeld(work, { os, codeOf, wait }).catch((cause: Error) => cause.message);
  return { result, tries, waits };
}

Deno.test("system: Windows waits for a program that holds a file, and gives up after 2.6 seconds", async () => {
  assert.deepEqual(await held("windows", ["EBUSY", "EACCES"]), { result: "done", tries: 3, waits: [10, 20] });
  const { result, tries, waits } = await held("windows", Array<string>(20).fill("EBUSY"));
  assert.deepEqual([result, tries, waits.reduce((sum, wait) => sum + wait, 0)], ["EBUSY", 9, 2580]);
});

Deno.test("system: other failures and other systems do not wait", async () => {
  assert.deepEqual(await held("windows", ["ENOSPC"]), { result: "ENOSPC", tries: 1, waits: [] });
  assert.deepEqual(await held("linux", ["EBUSY"]), { result: "EBUSY", tries: 1, waits: [] });
});

Deno.test("system: native code that the system does not load is named, with what to do", async () => {
  const hint = (...messages: string[]) =>
    nativeHint(messages.reduceRight((cause: Error | undefined, message) => new Error(message, { cause }), undefined));
  assert.match(hint("/cache/dawn.node: failed to map segment from shared object") ?? "", /noexec.*DENO_DIR/);
  const canvas = hint("Cannot find native binding", "Error loading shared library ld-linux-x86-64.so.2: not found");
  assert.match(canvas ?? "", /glibc.*musl/);
  assert.match(hint("libc.so.6: version `GLIBC_2.34' not found") ?? "", /glibc/);
  assert.equal(hint("Cannot find module webgpu"), undefined);
  const fails = (message: string) =>
    loadNative("webgpu", () => Promise.reject(new Error(message)), { without: "do X" });
  await assert.rejects(fails("failed to map segment from shared object"), /webgpu cannot be loaded[^]*noexec[^]*do X/);
  await assert.rejects(fails("other"), { message: "other" });
  assert.equal(await loadNative("webgpu", () => Promise.resolve(1)), 1);
});

const environment = (values: Record<string, string>) => (name: string) => values[name];

Deno.test("system: the cache folder of each system, and none without a home", () => {
  const of = (os: typeof Deno.build.os, values: Record<string, string>) => cacheBase({ os, env: environment(values) });
  assert.equal(of("linux", { HOME: "/home/ada" }), "/home/ada/.cache");
  assert.equal(of("linux", { HOME: "/home/ada", XDG_CACHE_HOME: "/fast" }), "/fast");
  assert.equal(of("linux", { HOME: "/home/ada", XDG_CACHE_HOME: "" }), "/home/ada/.cache");
  assert.equal(of("darwin", { HOME: "/Users/ada" }), "/Users/ada/Library/Caches");
  assert.equal(of("windows", { USERPROFILE: "C:\\Users\\ada" }), "C:\\Users\\ada\\AppData\\Local");
  assert.equal(of("windows", { LOCALAPPDATA: "D:\\local", USERPROFILE: "C:\\Users\\ada" }), "D:\\local");
  assert.equal(of("linux", {}), undefined);
});

Deno.test("system: signals, folders, drivers and locks of each system", () => {
  assert.deepEqual(stopSignals({ os: "linux" }), ["SIGINT", "SIGTERM"]);
  assert.deepEqual(stopSignals({ os: "windows" }), ["SIGINT", "SIGBREAK"]);
  assert.deepEqual([passesSignals({ os: "darwin" }), passesSignals({ os: "windows" })], [true, false]);
  assert.deepEqual([syncsFolders({ os: "darwin" }), syncsFolders({ os: "windows" })], [true, false]);
  assert.deepEqual(
    (["darwin", "windows", "linux", "freebsd"] as const).map((os) => gpuBackend({ os })),
    ["metal", "d3d12", "vulkan", "vulkan"],
  );
  assert.deepEqual(
    [swiftShaderRuns({ os: "linux", arch: "x86_64" }), swiftShaderRuns({ os: "linux", arch: "aarch64" })],
    [true, false],
  );
  assert.deepEqual([isLockless("ENOSYS"), isLockless("ENOLCK"), isLockless("EACCES")], [true, true, false]);
  assert.deepEqual(
    ["off", "on", ""].map((HYMBA_LOCKS) => mayGoWithoutLock("lock", { env: environment({ HYMBA_LOCKS }) })),
    [true, false, false],
  );
});

Deno.test("system: a file system without locks is refused, or used with a warning that is printed once", async () => {
  const { tryLock } = Deno.FsFile.prototype, folder = await Deno.makeTempDir(), path = `${folder}/lock`;
  const before = Deno.env.get("HYMBA_LOCKS"), lines: string[] = [];
  Deno.FsFile.prototype.tryLock = () => Promise.reject(Object.assign(new Error("none"), { code: "ENOLCK" }));
  warnWithoutLocks((line) => lines.push(line));
  try {
    Deno.env.delete("HYMBA_LOCKS");
    await assert.rejects(systemDisk.lock(path, "me"), /this file system has no locks[^]*HYMBA_LOCKS=off/);
    assert.deepEqual(lines, []);
    Deno.env.set("HYMBA_LOCKS", "off");
    for (let time = 0; time < 2; time++) await (await systemDisk.lock(path, "me"))?.release();
    assert.equal(lines.length, 1);
    assert.match(lines.join(), /file system of .*lock has no locks[^]*two would damage each other's files/);
  } finally {
    Deno.FsFile.prototype.tryLock = tryLock;
    if (before === undefined) Deno.env.delete("HYMBA_LOCKS");
    else Deno.env.set("HYMBA_LOCKS", before);
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("system: a browser is opened by the system's own command, and on Linux only on a desktop", () => {
  const address = "http://127.0.0.1:1/", env = (name: string) => name === "WAYLAND_DISPLAY" ? "wayland-0" : undefined;
  const none = () => undefined;
  assert.deepEqual(openCommand({ os: "windows", env: none }, address), ["explorer.exe", address]);
  assert.deepEqual(openCommand({ os: "darwin", env: none }, address), ["open", address]);
  assert.deepEqual(openCommand({ os: "linux", env }, address), ["xdg-open", address]);
  assert.equal(openCommand({ os: "linux", env: none }, address), undefined);
});
