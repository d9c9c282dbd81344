#!/usr/bin/env node
// Starts hymba with the Deno of the npm package beside it. All arguments and the exit code are passed on.
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { join } from "node:path";

const require = createRequire(import.meta.url);
const root = fileURLToPath(new URL("../", import.meta.url));
const deno = require.resolve("deno/bin.cjs");
const flags = ["run", "-A", "--config", join(root, "deno.json"), `--lock=${join(root, "deno.lock")}`, "--frozen"];
const words = [deno, ...flags, join(root, "cli", "main.ts"), ...process.argv.slice(2)];
// Deno's own files describe the program; the package.json of this package is for npm.
// As the tasks of deno.json: certificates of the system count, too, such as those of a company's proxy.
const env = { DENO_TLS_CA_STORE: "mozilla,system", ...process.env, DENO_NO_PACKAGE_JSON: "1" };
const child = spawn(process.execPath, words, { stdio: "inherit", env });
// The terminal sends Ctrl-C to the child, too. It saves its work and ends; then this process ends with its code.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => child.kill("SIGTERM"));
child.on("exit", (code, signal) => process.exit(signal ? 1 : code ?? 1));
