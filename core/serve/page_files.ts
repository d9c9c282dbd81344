/**
 * The files of the page, with the engine for browsers in them. A packaged program has the finished scripts in `core/page/built`. A
 * checkout builds them from its sources when it needs them, with Deno's bundler, and keeps them in the cache folder.
 * `deno run -A core/serve/page_files.ts FOLDER` builds them for a package.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { BUILDS } from "../cpu/module.ts";
import { cacheFolder, exclusively } from "../disk/cache_folder.ts";
import { type Disk, makeFolders, readText, sha256, systemDisk, writeAtomic } from "../disk/mod.ts";
import { HymbaError } from "../errors.ts";
import type { PageFiles } from "./answers.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url)), PAGE = join(ROOT, "core", "page");
/** Where packages have the finished scripts. */
const BUILT = join(PAGE, "built");
/** Files of the page that are used as they are. */
const PLAIN = ["index.html", "style.css"];
/** The modules that a page and its worker start with. */
const ENTRIES = ["main.tsx", "engine.ts"];
/** The sources of the scripts. */
const SOURCES = ["core", "wgsl", "imports.json", "deno.lock"];

async function filesBelow(disk: Disk, path: string): Promise<string[]> {
  const found = await disk.stat(path);
  if (found?.kind !== "folder") return found ? [path] : [];
  const names = await disk.list(path);
  return (await Promise.all(names.map((name) => filesBelow(disk, join(path, name))))).flat();
}

/** The SHA-256 of everything that the scripts depend on. */
async function sourcesHash(disk: Disk): Promise<string> {
  const paths = (await Promise.all(SOURCES.map((name) => filesBelow(disk, join(ROOT, name))))).flat();
  const own = paths.filter((path) => !path.startsWith(BUILT)).sort();
  const hashOf = async (path: string) => [path.slice(ROOT.length).replaceAll("\\", "/"), sha256(await disk.read(path))];
  return sha256(JSON.stringify(await Promise.all(own.map(hashOf))));
}

/** Builds the scripts of the page into a folder. Throws a HymbaError when the bundler fails. */
async function buildPage(folder: string): Promise<void> {
  const lock = ["--config", join(ROOT, "deno.json"), `--lock=${join(ROOT, "deno.lock")}`, "--frozen"];
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["bundle", "--quiet", "--platform", "browser", "--minify", "--code-splitting", ...lock, "--outdir", folder],
      ...ENTRIES.map((name) => join(PAGE, name)),
    ],
    cwd: ROOT,
    stdout: "null",
  }).output();
  if (code === 0) return;
  throw new HymbaError("the page cannot be built from its sources", {
    got: new TextDecoder().decode(stderr).trim(),
    hint:
      "the bundler comes from the npm registry at its first use, so this needs a network once; released packages have the page",
  });
}

/** Says which sources the scripts beside it were made from. */
const MADE_FROM = "sources.sha256";

/** Whether a folder has scripts of these sources. */
async function isMadeFrom(disk: Disk, folder: string, sources: string): Promise<boolean> {
  const path = join(folder, MADE_FROM);
  return await disk.stat(path) !== undefined && await readText(disk, path) === sources;
}

/** The folder with the built scripts. They are built if they do not exist for these sources. */
async function scriptsFolder(disk: Disk, onBuild: () => void): Promise<string> {
  // One executable has no sources that could have changed.
  if (Deno.build.standalone) return BUILT;
  const sources = await sourcesHash(disk);
  if (await isMadeFrom(disk, BUILT, sources)) return BUILT;
  const folder = join(cacheFolder(), "page", sources.slice(0, 32));
  if (await isMadeFrom(disk, folder, sources)) return folder;
  await makeFolders(disk, folder);
  await exclusively(disk, `${folder}.lock`, {
    work: async () => {
      if (await isMadeFrom(disk, folder, sources)) return;
      onBuild();
      await buildPage(folder);
      await writeAtomic(disk, join(folder, MADE_FROM), sources);
    },
  });
  return folder;
}

/** All files of the page by name. `onBuild` is called when they have to be built, which takes a few seconds. */
export async function pageFiles(disk: Disk, { onBuild = () => {} }: { onBuild?: () => void } = {}): Promise<PageFiles> {
  const folder = await scriptsFolder(disk, onBuild), files = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const name of PLAIN) files.set(name, await disk.read(join(PAGE, name)));
  for (const name of await disk.list(folder)) {
    if (name.endsWith(".js")) files.set(name, await disk.read(join(folder, name)));
  }
  for (const name of Object.values(BUILDS)) files.set(name, await disk.read(join(ROOT, "core", "cpu", name)));
  return files;
}

if (import.meta.main) {
  const [folder = BUILT] = Deno.args;
  await makeFolders(systemDisk, folder);
  await buildPage(folder);
  await writeAtomic(systemDisk, join(folder, MADE_FROM), await sourcesHash(systemDisk));
}
