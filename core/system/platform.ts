/** Each difference between systems is a function of a {@link Platform}, so that a test can check the rules of any system. */
import { builtin, thisHost } from "./host.ts";

/** The facts that the rules of this folder need. */
export interface Platform {
  readonly os: typeof Deno.build.os;
  readonly arch: typeof Deno.build.arch;
  /** The value of an environment variable. */
  env(name: string): string | undefined;
}

/** Node's names for the systems that it runs on are Deno's, except Windows and x86-64. A browser has the rules of Linux. */
function platformOfNode(): Platform {
  const { platform = "linux", arch = "x64", env = {} } = builtin("node:process") ?? {};
  const systems: Readonly<Record<string, Platform["os"]>> = { win32: "windows", darwin: "darwin" };
  return {
    os: systems[platform] ?? "linux",
    arch: arch === "arm64" ? "aarch64" : "x86_64",
    env: (name) => env[name],
  };
}

/** The platform of this process. */
export const thisPlatform: Platform = thisHost() === "deno"
  ? { os: Deno.build.os, arch: Deno.build.arch, env: (name) => Deno.env.get(name) }
  : platformOfNode();
