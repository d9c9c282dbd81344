/**
 * Bundles of this and of other systems: made, unpacked and inspected, and run where that works. They take a minute and 100 MB of
 * downloads each, so only those that HYMBA_BUNDLES names are tested, such as `linux-arm64,windows-x64`, or `all`.
 */
import { strict as assert } from "node:assert";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../", import.meta.url));

/** What the binaries of a system begin with, and the number of its processor at a place behind. */
interface Format {
  readonly magic: readonly number[];
  /** Where the processor is named, or where the place is that has its offset. */
  readonly machine: readonly [offset: number, ...bytes: number[]];
  readonly indirect?: true;
}

const ELF = [0x7f, 0x45, 0x4c, 0x46], MZ = [0x4d, 0x5a], MACH = [0xcf, 0xfa, 0xed, 0xfe];

/** ELF: e_machine at 18. PE: the header's offset at 60, the machine 4 bytes behind it. Mach-O: cputype at 4. */
const FORMATS: Readonly<Record<string, Format>> = {
  "linux-x64": { magic: ELF, machine: [18, 0x3e, 0x00] },
  "linux-arm64": { magic: ELF, machine: [18, 0xb7, 0x00] },
  "macos-x64": { magic: MACH, machine: [4, 0x07, 0x00, 0x00, 0x01] },
  "macos-arm64": { magic: MACH, machine: [4, 0x0c, 0x00, 0x00, 0x01] },
  "windows-x64": { magic: MZ, machine: [4, 0x64, 0x86], indirect: true },
  "windows-arm64": { magic: MZ, machine: [4, 0x64, 0xaa], indirect: true },
};

/** A file of Mach-O for several processors begins so; the number of them follows, then their types. */
const UNIVERSAL = [0xca, 0xfe, 0xba, 0xbe];

const equal = (bytes: Uint8Array, expected: readonly number[]) => expected.every((byte, i) => bytes[i] === byte);

async function headOf(path: string): Promise<Uint8Array> {
  using file = await Deno.open(path);
  const head = new Uint8Array(4096), length = await file.read(head);
  return head.subarray(0, length ?? 0);
}

/** Whether a binary is for a system. */
async function isFor(path: string, system: string): Promise<boolean> {
  const { magic, machine: [offset, ...machine], indirect } = FORMATS[system]!, head = await headOf(path);
  if (system.startsWith("macos") && equal(head, UNIVERSAL)) {
    const view = new DataView(head.buffer, head.byteOffset), count = view.getUint32(4);
    const types = Array.from({ length: count }, (_, i) => view.getUint32(8 + 20 * i));
    return types.includes(system === "macos-x64" ? 0x01000007 : 0x0100000c);
  }
  const at = indirect ? new DataView(head.buffer, head.byteOffset).getUint32(60, true) + offset : offset;
  return equal(head, magic) && equal(head.subarray(at), machine);
}

async function ran(program: string, args: string[], options: Deno.CommandOptions = {}) {
  const { code, stdout, stderr } = await new Deno.Command(program, { ...options, args }).output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), problem: decoder.decode(stderr) };
}

/** All files below a folder. */
async function filesIn(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = join(folder, name);
    if (isDirectory) found.push(...await filesIn(path));
    else found.push(path);
  }
  return found;
}

/** The whole program, its add-ons for this system and no others, and no path of this machine. */
async function inspect(folder: string, system: string): Promise<void> {
  const windows = system.startsWith("windows"), deno = join(folder, windows ? "deno.exe" : "deno");
  const files = await filesIn(folder), starter = join(folder, windows ? "hymba.cmd" : "hymba");
  for (
    const name of [
      "program/cli/main.ts",
      "program/deno.lock",
      "program/wgsl/adamw.wgsl",
      "program/core/cpu/kernels_relaxed.wasm",
      "program/core/page/built/main.js",
      "program/LICENSE",
      "registry",
    ]
  ) assert.ok(files.includes(join(folder, name)), name);
  assert.ok(await isFor(deno, system), `${deno} is not a binary of ${system}`);
  assert.ok((await Deno.stat(deno)).size > 50e6);
  const addons = files.filter((file) => /\.(node|dll|so|dylib)$/.test(file));
  for (const name of [/dawn\.node$/, /skia\..*\.node$/]) {
    assert.equal(addons.filter((file) => name.test(file)).length, 1, `${name}: ${addons}`);
  }
  for (const file of addons) assert.ok(await isFor(file, system), `${file} is not of ${system}`);
  if (windows) assert.match(await Deno.readTextFile(starter), /\r\n.*deno\.exe" run -A --cached-only[^\n]*%\*\r\n$/);
  else {for (const file of [deno, starter]) {
      assert.ok(((await Deno.stat(file)).mode ?? 0) & 0o111, `${file} cannot be run`);
    }}
  assert.ok(!files.some((file) => /\/cache\/(gen|.*_cache_v)/.test(file)), "caches with this machine's paths");
  const bytes = await Promise.all(files.map(async (file) => (await Deno.stat(file)).size));
  const total = bytes.reduce((sum, size) => sum + size, 0);
  console.log(`${system}: ${files.length} files, ${Math.round(total / 1e6)} MB`);
  assert.ok(total < 250e6, `${total} bytes`);
}

/** Where Debian's libraries for Arm lie, for the emulator: `HYMBA_ARM_ROOT`, made by tests/arm/compare.ts as FOLDER/root. */
const ARM_ROOT = Deno.env.get("HYMBA_ARM_ROOT");

/** Runs the bundle without network: its version, and a picture, for which it loads an add-on. */
async function start(folder: string, system: string): Promise<void> {
  const here = Deno.build.os === "linux" && Deno.build.arch === "x86_64", emulated = system === "linux-arm64";
  if (!here || !(system === "linux-x64" || emulated && ARM_ROOT)) return console.log(`${system}: not run here`);
  if (emulated) {
    const deno = join(folder, "deno"), inner = join(folder, "deno.arm");
    await Deno.rename(deno, inner);
    await Deno.writeTextFile(deno, `#!/bin/sh\nexec qemu-aarch64-static -L '${ARM_ROOT}' '${inner}' "$@"\n`, {
      mode: 0o755,
    });
  }
  const options = { clearEnv: true, env: { HOME: join(folder, "home"), PATH: "/usr/bin:/bin" }, cwd: folder };
  const alone = (await ran("unshare", ["-n", "true"])).code === 0 ? ["unshare", "-n"] : ["env"];
  const hymba = (...words: string[]) => ran(alone[0]!, [...alone.slice(1), join(folder, "hymba"), ...words], options);
  const { version } = JSON.parse(await Deno.readTextFile(join(ROOT, "deno.json"))) as { version: string };
  assert.deepEqual(await hymba("--version"), { code: 0, out: `${version}\n`, problem: "" });
  const drawn = await hymba("architecture", "--preset", "smoke", "--out", "a.png");
  assert.deepEqual([drawn.code, drawn.out], [0, "wrote a.png\n"], drawn.problem);
  assert.equal((await hymba("csv", "no-such-run")).code, 2);
}

const asked = Deno.env.get("HYMBA_BUNDLES") ?? "";
for (const system of asked === "all" ? Object.keys(FORMATS) : asked.split(",").filter(Boolean)) {
  Deno.test(`bundle: ${system} has its own binaries and the whole program, and runs where it can`, async () => {
    const folder = await Deno.makeTempDir();
    try {
      const made = await ran("bash", [join(ROOT, ".ci/bundle"), folder, system]);
      assert.equal(made.code, 0, made.problem);
      const archive = join(folder, `hymba-${system}.tar.gz`);
      console.log(`${system}: archive of ${Math.round((await Deno.stat(archive)).size / 1e6)} MB`);
      assert.equal((await ran("tar", ["xzf", archive, "-C", folder])).code, 0);
      await inspect(join(folder, `hymba-${system}`), system);
      await start(join(folder, `hymba-${system}`), system);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

Deno.test("bundle: a system that there is no bundle for is named, with those that there are", async () => {
  const { code, problem } = await ran("bash", [join(ROOT, ".ci/bundle"), await Deno.makeTempDir(), "plan9-x64"]);
  assert.equal(code, 2);
  assert.match(problem, /no bundle for plan9-x64; expected linux-x64, .* or windows-arm64/);
});
