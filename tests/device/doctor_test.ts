import assert from "node:assert/strict";
import { join } from "node:path";
import { advise } from "../../core/device/advice.ts";
import { diagnose } from "../../core/device/doctor.ts";
import { inspectMachine, type Machine } from "../../core/device/machine.ts";
import { makeFolders, memoryDisk, writeAtomic } from "../../core/disk/mod.ts";
import { UsageError } from "../../core/errors.ts";
import { withFolders } from "../data/folders.ts";

const SERVER: Machine = {
  os: "linux",
  arch: "x86_64",
  distribution: "debian",
  release: "12",
  processor: "some processor",
  cores: 2,
  memory: 8e9,
  availableMemory: 4e9,
  gpus: [],
  renderNode: "missing",
  aptUri: "http://mirror.example/debian",
  deno: "2.9.6",
};

const commands = (machine: Partial<Machine>, chosen: Parameters<typeof advise>[1]) =>
  advise({ ...SERVER, ...machine }, chosen).map(({ command }) => command);

Deno.test("advise: Debian 12 installs Mesa from the backports of its own mirror, other systems install it directly", () => {
  const software = { chosen: "swiftshader", installed: ["swiftshader"] } as const;
  const [debian12, ...rest] = commands({}, software);
  assert.match(
    debian12 ?? "",
    /^echo 'deb http:\/\/mirror\.example\/debian bookworm-backports main' \| sudo tee .* -t bookworm-backports mesa-vulkan-drivers/,
  );
  assert.equal(rest.length, 0);
  assert.deepEqual(commands({ release: "13" }, software), ["sudo apt-get install -y mesa-vulkan-drivers libvulkan1"]);
  assert.match(commands({ distribution: "arch" }, software)[0] ?? "", /^sudo pacman .*vulkan-swrast/);
  assert.deepEqual(commands({ distribution: "unheard-of" }, software), [undefined]);
});

Deno.test("advise: a GPU without a driver comes first; there is no advice when hardware is in use", () => {
  const lavapipe = { chosen: "lavapipe", installed: ["lavapipe"] } as const;
  assert.deepEqual(commands({}, lavapipe), []);
  assert.deepEqual(commands({ gpus: ["nvidia"] }, lavapipe), ["sudo apt-get install -y nvidia-driver"]);
  assert.deepEqual(commands({ distribution: "ubuntu", gpus: ["nvidia"] }, lavapipe), ["sudo ubuntu-drivers install"]);
  assert.deepEqual(commands({ release: "13", gpus: ["amd", "amd"], renderNode: "closed" }, lavapipe), [
    'sudo usermod -aG render,video "$USER"',
    "sudo apt-get install -y mesa-vulkan-drivers libvulkan1",
  ]);
  assert.deepEqual(commands({ gpus: ["nvidia"] }, { chosen: "hardware", installed: ["hardware"] }), []);
});

Deno.test("advise: an installed driver only has to be chosen", () => {
  const both = { chosen: "swiftshader", installed: ["swiftshader", "lavapipe"] } as const;
  assert.deepEqual(commands({}, both), ["export HYMBA_ADAPTER=lavapipe"]);
  assert.deepEqual(commands({}, { chosen: "swiftshader", installed: ["hardware"] }), ["export HYMBA_ADAPTER=hardware"]);
});

Deno.test("inspectMachine: distribution, graphics devices and mirror come from system files", async () => {
  const disk = memoryDisk();
  const files: Record<string, string> = {
    "/etc/os-release": 'PRETTY_NAME="Ubuntu 24.04"\nID=ubuntu\nVERSION_ID="24.04"\n',
    "/etc/apt/sources.list": "# comment\ndeb [arch=amd64] http://mirror.example/ubuntu noble main\n",
    "/sys/bus/pci/devices/0000:00:01.0/class": "0x030000\n",
    "/sys/bus/pci/devices/0000:00:01.0/vendor": "0x10de\n",
    "/sys/bus/pci/devices/0000:00:02.0/class": "0x020000\n",
    "/sys/bus/pci/devices/0000:00:02.0/vendor": "0x8086\n",
  };
  for (const [path, text] of Object.entries(files)) {
    await makeFolders(disk, join(path, ".."));
    await writeAtomic(disk, path, text);
  }
  const { distribution, release, gpus, aptUri, renderNode, cores, memory } = await inspectMachine(disk);
  assert.deepEqual([distribution, release, gpus, aptUri], [
    "ubuntu",
    "24.04",
    ["nvidia"],
    "http://mirror.example/ubuntu",
  ]);
  assert.equal(renderNode, "missing");
  assert.ok(cores >= 1 && memory > 1e8);
});

Deno.test("diagnose: a plain value with the adapter in use and the corpora on the machine", () =>
  withFolders(async ({ data, cache }) => {
    await Deno.mkdir(join(data, "whales"));
    await Deno.writeTextFile(join(data, "whales", "input.txt"), "x".repeat(2000));
    const diagnosis = await diagnose();
    const { adapter } = diagnosis;
    assert.ok(adapter);
    assert.deepEqual(JSON.parse(JSON.stringify(diagnosis)).adapter, adapter);
    assert.ok(diagnosis.adapters.some(({ name }) => name === adapter.name));
    assert.ok(adapter.limits.maxStorageBuffersPerShaderStage >= 8);
    assert.deepEqual(diagnosis.corpora, [{ name: "whales", path: join(data, "whales", "input.txt"), bytes: 2000 }]);
    assert.equal(diagnosis.cache.folder, join(cache, "hymba"));
    assert.ok(diagnosis.cache.freeBytes > 0);
    await assert.rejects(() => diagnose({ adapter: "no such thing" }), UsageError);
  }));
