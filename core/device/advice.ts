import type { GpuMaker, Machine } from "./machine.ts";
import type { AdapterKind } from "./types.ts";

/** Something that would make this machine faster. */
export interface Advice {
  why: string;
  /** To be typed into a shell as it is; absent where there is no such command. */
  command?: string;
}

type InstallMachine = Pick<Machine, "os" | "distribution" | "release" | "aptUri">;

const usesApt = ({ distribution }: InstallMachine) =>
  ["debian", "ubuntu", "linuxmint", "pop", "raspbian"].includes(distribution);

/** The command that installs a package, which each distribution names in its own way. */
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
    // Debian 12's own Mesa 22.3 lacks what Dawn asks of a driver.
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

/** Adapters by kind: the one that was opened (undefined: none could be) and all that are on the machine. */
export interface Choice {
  chosen: AdapterKind | undefined;
  installed: readonly AdapterKind[];
}

const SUPPLY: Partial<Record<GpuMaker, string>> = {
  nvidia: "there is a GPU by NVIDIA without a Vulkan driver (Debian has it in non-free, Fedora in RPM Fusion)",
  amd: "there is a GPU by AMD without a Vulkan driver",
  intel: "there is a GPU by Intel without a Vulkan driver",
};

function forGpus(machine: Machine): Advice[] {
  const advice: Advice[] = [];
  for (const maker of new Set(machine.gpus)) {
    const why = SUPPLY[maker];
    if (why) advice.push({ why, command: gpuDriver(machine, maker) });
  }
  if (advice.length > 0 && machine.renderNode === "closed") {
    const why = "this user may not open /dev/dri/renderD*: join the groups, then log in again";
    advice.unshift({ why, command: 'sudo usermod -aG render,video "$USER"' });
  }
  return advice;
}

/** What would make the machine faster than with the chosen adapter. Nothing when it computes on hardware already. */
export function advise(machine: Machine, { chosen, installed }: Choice): Advice[] {
  if (chosen === "hardware" || chosen === "browser") return [];
  if (installed.includes("hardware")) {
    return [{ why: "a hardware adapter is there and was not chosen", command: "export HYMBA_ADAPTER=hardware" }];
  }
  if (machine.os === "windows") return [{ why: "no GPU with a Direct3D 12 driver: install the driver of its maker" }];
  if (machine.os !== "linux") return [{ why: "Metal offers no GPU: a newer system may" }];
  const advice = forGpus(machine);
  if (chosen === "lavapipe") return advice;
  const why = "on a processor, Mesa's lavapipe (version 25) computes 2 to 4 times as fast as SwiftShader";
  const command = installed.includes("lavapipe") ? "export HYMBA_ADAPTER=lavapipe" : lavapipe(machine);
  return [...advice, { why, command }];
}
