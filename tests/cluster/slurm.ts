/** A Slurm cluster of two nodes on this machine, with all its files in one folder. */
import { join } from "node:path";

/** Why there is no Slurm here; undefined where there is. */
export function slurmMissing(): string | undefined {
  if (Deno.build.os !== "linux") return "Slurm runs on Linux";
  const found = (name: string) => ["/usr/sbin", "/usr/bin"].some((folder) => exists(join(folder, name)));
  const missing = ["slurmctld", "slurmd", "munged", "sbatch", "setpriv"].filter((name) => !found(name));
  if (missing.length > 0) return `${missing.join(", ")} not installed (Debian: slurm-wlm munge)`;
  return Deno.uid() === 0 ? undefined : "slurmd needs root";
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path) !== undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** A free port. */
function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  return port;
}

/** The configuration. */
function configuration(folder: string): string {
  const host = Deno.hostname(),
    node = (name: string) =>
      `NodeName=${name} NodeHostname=${host} NodeAddr=127.0.0.1 Port=${freePort()} CPUs=2 RealMemory=8000 State=UNKNOWN`;
  return [
    "ClusterName=test",
    `SlurmctldHost=${host}(127.0.0.1)`,
    `SlurmctldPort=${freePort()}`,
    "SlurmUser=root",
    "SlurmdUser=root",
    "AuthType=auth/munge",
    `AuthInfo=socket=${folder}/munge/socket`,
    "CredType=cred/munge",
    `StateSaveLocation=${folder}/state`,
    `SlurmdSpoolDir=${folder}/spool-%n`,
    `SlurmctldPidFile=${folder}/slurmctld.pid`,
    `SlurmdPidFile=${folder}/slurmd-%n.pid`,
    `SlurmctldLogFile=${folder}/slurmctld.log`,
    `SlurmdLogFile=${folder}/slurmd-%n.log`,
    "ProctrackType=proctrack/linuxproc",
    "TaskPlugin=task/none",
    "SelectType=select/cons_tres",
    "SelectTypeParameters=CR_CPU_Memory",
    "SlurmdParameters=config_overrides",
    "SchedulerParameters=sched_interval=1,bf_interval=1,default_queue_depth=100",
    "MpiDefault=none",
    "AccountingStorageType=accounting_storage/none",
    "JobAcctGatherType=jobacct_gather/none",
    "ReturnToService=0",
    "KillWait=5",
    "MinJobAge=600",
    node("n1"),
    node("n2"),
    "PartitionName=main Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP",
    "",
  ].join("\n");
}

export interface Cluster {
  readonly folder: string;
  /** For the commands of Slurm. */
  readonly environment: Readonly<Record<string, string>>;
  /** Runs a command of Slurm and returns what it prints. Throws when it fails. */
  ask(name: string, ...args: string[]): Promise<string>;
  stop(): Promise<void>;
}

async function run(name: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(name, { args: [...args], env: { ...env } }).output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`${name} ${args.join(" ")}: ${decoder.decode(stderr)}`);
  return decoder.decode(stdout).trim();
}

/** Starts munged, the controller and two nodes, and waits until both nodes are idle. */
export async function startCluster(folder: string): Promise<Cluster> {
  const munge = join(folder, "munge"), environment = { SLURM_CONF: join(folder, "slurm.conf") };
  for (const name of ["munge", "state", "spool-n1", "spool-n2"]) {
    await Deno.mkdir(join(folder, name), { recursive: true });
  }
  await Deno.writeFile(join(munge, "key"), crypto.getRandomValues(new Uint8Array(128)), { mode: 0o600 });
  await run("chown", ["-R", "munge:munge", munge]);
  await run("chmod", ["711", folder]);
  await run("chmod", ["755", munge]);
  await Deno.writeTextFile(environment.SLURM_CONF, configuration(folder));
  const daemons: Deno.ChildProcess[] = [];
  const begin = (name: string, args: string[]) =>
    daemons.push(new Deno.Command(name, { args, env: environment, stdout: "null", stderr: "null" }).spawn());
  const stop = async () => {
    for (const daemon of daemons.toReversed()) {
      try {
        daemon.kill("SIGTERM");
      } catch (error) {
        if (!(error instanceof TypeError)) throw error; // it has ended
      }
      await daemon.status;
    }
  };
  const files = [`--socket=${munge}/socket`, `--key-file=${munge}/key`, `--pid-file=${munge}/pid`];
  const logs = [`--log-file=${munge}/log`, `--seed-file=${munge}/seed`];
  begin("setpriv", ["--reuid=munge", "--regid=munge", "--clear-groups", "munged", "--foreground", ...files, ...logs]);
  begin("slurmctld", ["-D", "-f", environment.SLURM_CONF]);
  for (const node of ["n1", "n2"]) begin("slurmd", ["-D", "-N", node, "-f", environment.SLURM_CONF]);
  const ask = (name: string, ...args: string[]) => run(name, args, environment);
  try {
    await until(
      "both nodes idle",
      async () => /^(idle\n?){2}$/.test(await ask("sinfo", "-h", "-N", "-o", "%T").catch(() => "")),
    );
  } catch (error) {
    await stop();
    throw error;
  }
  return { folder, environment, ask, stop: () => cancelAll(ask).finally(stop) };
}

/** Ends every job and waits for their processes, which would outlive the daemons. */
async function cancelAll(ask: Cluster["ask"]): Promise<void> {
  await ask("scancel", "--user=root");
  await until("the end of all jobs", async () => !/RUNNING|COMPLETING/.test(await ask("squeue", "-h", "-o", "%T")), 20);
}

/** Waits until something holds. Throws after `seconds`. */
export async function until(what: string, holds: () => Promise<boolean>, seconds = 180): Promise<void> {
  const end = performance.now() + seconds * 1000;
  while (!await holds()) {
    if (performance.now() > end) throw new Error(`waited ${seconds} s for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
