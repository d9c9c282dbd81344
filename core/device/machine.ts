/** Facts about the machine: system, processor, memory and graphics devices. */
import { cpus } from "node:os";
import { join } from "node:path";
import { type Disk, systemDisk } from "../disk/mod.ts";
import { memoryLimit } from "../system/mod.ts";

/** The facts that decide how fast the machine can be. */
export interface Machine {
  os: string;
  arch: string;
  /** Linux distribution: `debian`, `ubuntu`, `fedora`; empty elsewhere. */
  distribution: string;
  /** Version of the distribution, `12`; empty for rolling releases. */
  release: string;
  processor: string;
  /** Logical cores that this process may use. */
  cores: number;
  /** Total memory (bytes), or the limit of the container. */
  memory: number;
  /** Free memory (bytes). */
  availableMemory: number;
  /** Manufacturers of the graphics devices on the PCI bus (Linux only). */
  gpus: GpuMaker[];
  /** `missing`: the kernel has no driver. `closed`: this user may not open it. (Linux only.) */
  renderNode: "open" | "closed" | "missing";
  /** The address of apt's package source; empty without apt. */
  aptUri: string;
  deno: string;
}

/** The manufacturer of a graphics device. */
export type GpuMaker = "nvidia" | "amd" | "intel" | "other";

const MAKERS: Readonly<Record<string, GpuMaker>> = { "0x10de": "nvidia", "0x1002": "amd", "0x8086": "intel" };
/** PCI class 03: display controllers. */
const DISPLAY_CLASS = "0x03";

async function textAt(disk: Disk, path: string): Promise<string> {
  return await disk.read(path).then((bytes) => new TextDecoder().decode(bytes), () => "");
}

const namesIn = (disk: Disk, path: string) => disk.list(path).catch((): string[] => []);

async function gpuMakers(disk: Disk): Promise<GpuMaker[]> {
  const bus = "/sys/bus/pci/devices";
  const found: GpuMaker[] = [];
  for (const name of await namesIn(disk, bus)) {
    if (!(await textAt(disk, join(bus, name, "class"))).startsWith(DISPLAY_CLASS)) continue;
    found.push(MAKERS[(await textAt(disk, join(bus, name, "vendor"))).trim()] ?? "other");
  }
  return found;
}

async function renderNode(disk: Disk): Promise<Machine["renderNode"]> {
  const nodes = (await namesIn(disk, "/dev/dri")).filter((name) => name.startsWith("renderD"));
  if (nodes.length === 0) return "missing";
  const opens = async (name: string) => {
    try {
      (await Deno.open(join("/dev/dri", name), { read: true, write: true })).close();
      return true;
    } catch {
      return false;
    }
  };
  return (await Promise.all(nodes.map(opens))).includes(true) ? "open" : "closed";
}

async function aptUri(disk: Disk): Promise<string> {
  const modern = await textAt(disk, "/etc/apt/sources.list.d/debian.sources");
  const classic = await textAt(disk, "/etc/apt/sources.list");
  return /^URIs:\s*(\S+)/m.exec(modern)?.[1] ?? /^deb\s+(?:\[[^\]]*\]\s+)?(\S+)/m.exec(classic)?.[1] ?? "";
}

/** Inspects the machine. A fact that cannot be found out is empty. */
export async function inspectMachine(disk: Disk = systemDisk): Promise<Machine> {
  const release = await textAt(disk, "/etc/os-release");
  const field = (name: string) => new RegExp(`^${name}="?([^"\n]*)"?$`, "m").exec(release)?.[1] ?? "";
  const { total, available } = Deno.systemMemoryInfo();
  const group = await memoryLimit((path) => textAt(disk, path));
  return {
    os: Deno.build.os,
    arch: Deno.build.arch,
    distribution: field("ID"),
    release: field("VERSION_ID"),
    processor: cpus()[0]?.model ?? "",
    cores: navigator.hardwareConcurrency,
    memory: Math.min(total, group?.limit ?? total),
    availableMemory: Math.min(available, group?.free ?? available),
    gpus: await gpuMakers(disk),
    renderNode: await renderNode(disk),
    aptUri: await aptUri(disk),
    deno: Deno.version.deno,
  };
}
