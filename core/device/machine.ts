import { cpus } from "node:os";
import { join } from "node:path";
import { type Disk, systemDisk } from "../disk/mod.ts";

/** What of the machine decides how fast it can be. */
export interface Machine {
  os: string;
  arch: string;
  /** Linux distribution: `debian`, `ubuntu`, `fedora`; empty elsewhere. */
  distribution: string;
  /** Its version, `12`; empty for rolling ones. */
  release: string;
  processor: string;
  /** Logical cores this process may use. */
  cores: number;
  /** Bytes. */
  memory: number;
  availableMemory: number;
  /** Makers of the graphics devices on the bus (Linux only). */
  gpus: GpuMaker[];
  /** `missing` without a driver in the kernel, `closed` when this user may not open it (Linux only). */
  renderNode: "open" | "closed" | "missing";
  /** Where the system's packages come from, if apt says so. */
  aptUri: string;
  deno: string;
}

/** Who made a graphics device. */
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
  const opened = nodes.map((name) =>
    Deno.open(join("/dev/dri", name), { read: true, write: true }).then((file) => (file.close(), true), () => false)
  );
  return (await Promise.all(opened)).includes(true) ? "open" : "closed";
}

async function aptUri(disk: Disk): Promise<string> {
  const modern = await textAt(disk, "/etc/apt/sources.list.d/debian.sources");
  const classic = await textAt(disk, "/etc/apt/sources.list");
  return /^URIs:\s*(\S+)/m.exec(modern)?.[1] ?? /^deb\s+(?:\[[^\]]*\]\s+)?(\S+)/m.exec(classic)?.[1] ?? "";
}

/** Looks at the machine; what it cannot find out stays empty. */
export async function inspectMachine(disk: Disk = systemDisk): Promise<Machine> {
  const release = await textAt(disk, "/etc/os-release");
  const field = (name: string) => new RegExp(`^${name}="?([^"\n]*)"?$`, "m").exec(release)?.[1] ?? "";
  const { total, available } = Deno.systemMemoryInfo();
  return {
    os: Deno.build.os,
    arch: Deno.build.arch,
    distribution: field("ID"),
    release: field("VERSION_ID"),
    processor: cpus()[0]?.model ?? "",
    cores: navigator.hardwareConcurrency,
    memory: total,
    availableMemory: available,
    gpus: await gpuMakers(disk),
    renderNode: await renderNode(disk),
    aptUri: await aptUri(disk),
    deno: Deno.version.deno,
  };
}
