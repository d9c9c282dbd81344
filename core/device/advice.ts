/** Advice on how to make this machine faster: drivers to install, adapters to choose. */
import type { GpuMaker, Machine } from "./machine.ts";
import type { AdapterKind } from "./types.ts";

/** One way to make this machine faster. */
export interface Advice {
  why: string;
  /** A shell command, if there is one. */
  command?: string;
}

type InstallMachine = Pick<Machine, "os" | "distribution" | "release" | "aptUri">;

const usesApt = ({ distribution }: InstallMachine) =>
  ["debian", "ubuntu", "linuxmint", "pop", "raspbian"].includes(distribution);

/** The command that installs a package; its name differs between distributions. Undefined on an unknown distribution. */
function install(machine: InstallMachine, names: { apt: string; dnf: string; pacman: string; apk: string }) {
  if (usesApt(machine)) return `sudo apt-get install -y ${names.apt}`;
  switch (machine.distribution) {
    case "fedora":
    case "rhel":
    case "centos":
    case "rocky":
    case "almalinux":
      return `sudo dnf install -y ${names.dnf}`;
    case "arch":
    case "manjaro":
      return `sudo pacman -S --needed ${names.pacman}`;
    case "alpine":
      return `sudo apk add ${names.apk}`;
    default:
      return undefined;
  }
}

const MESA = { apt: "mesa-vulkan-drivers libvulkan1", dnf: "mesa-vulkan-drivers vulkan-loader" };

function lavapipe(machine: InstallMachine): string | undefined {
  if (machine.distribution === "debian" && machine.release === "12" && machine.aptUri !== "") {
    // Mesa 22.3 of Debian 12 lacks features that Dawn requires of a driver.
    const line = `deb ${machine.aptUri} bookworm-backports main`;
    return `echo '${line}' | sudo tee /etc/apt/sources.list.d/bookworm-backports.list && sudo apt-get update && ` +
      "sudo apt-get install -y -t bookworm-backports mesa-vulkan-drivers && sudo apt-get install -y libvulkan1";
  }
  return install(machine, {
    ...MESA,
    pacman: "vulkan-swrast vulkan-icd-loader",
    apk: "mesa-vulkan-swrast vulkan-loader",
  });
}

function gpuDriver(machine: InstallMachine, maker: GpuMaker): string | undefined {
  if (maker === "nvidia") {
    if (machine.distribution === "ubuntu") return "sudo ubuntu-drivers install";
    return install(machine, {
      apt: "nvidia-driver",
      dnf: "akmod-nvidia",
      pacman: "nvidia nvidia-utils",
      apk: "mesa-vulkan-nouveau",
    });
  }
  const amd = maker === "amd";
  return install(machine, {
    ...MESA,
    pacman: amd ? "vulkan-radeon" : "vulkan-intel",
    apk: amd ? "mesa-vulkan-ati" : "mesa-vulkan-intel",
  });
}

/** The kind of the opened adapter (undefined if none could be opened), and the kinds of all adapters on the machine. */
export interface Choice {
  chosen: AdapterKind | undefined;
  installed: readonly AdapterKind[];
}

const MISSING_DRIVER: Partial<Record<GpuMaker, string>> = {
  nvidia: "an NVIDIA GPU has no Vulkan driver (Debian has it in non-free, Fedora in RPM Fusion)",
  amd: "an AMD GPU has no Vulkan driver",
  intel: "an Intel GPU has no Vulkan driver",
};

function forGpus(machine: Machine): Advice[] {
  const advice: Advice[] = [];
  for (const maker of new Set(machine.gpus)) {
    const why = MISSING_DRIVER[maker];
    if (why) advice.push({ why, command: gpuDriver(machine, maker) });
  }
  if (advice.length > 0 && machine.renderNode === "closed") {
    const why = "this user may not open /dev/dri/renderD*: join the groups render and video, then log in again";
    advice.unshift({ why, command: 'sudo usermod -aG render,video "$USER"' });
  }
  return advice;
}

/** Advice that would make this machine faster; empty when the chosen adapter is hardware. */
export function advise(machine: Machine, { chosen, installed }: Choice): Advice[] {
  if (chosen === "hardware" || chosen === "browser") return [];
  if (installed.includes("hardware")) {
    return [{ why: "there is a hardware adapter that was not chosen", command: "export HYMBA_ADAPTER=hardware" }];
  }
  if (machine.os === "windows") {
    return [{ why: "no GPU has a Direct3D 12 driver: install the driver of the GPU's manufacturer" }];
  }
  if (machine.os !== "linux") return [{ why: "Metal offers no GPU: a newer version of the system may offer one" }];
  const advice = forGpus(machine);
  if (chosen === "lavapipe") return advice;
  const why = "Mesa's lavapipe (version 25) is 2 to 4 times as fast on a processor as SwiftShader";
  const command = installed.includes("lavapipe") ? "export HYMBA_ADAPTER=lavapipe" : lavapipe(machine);
  return [...advice, { why, command }];
}
