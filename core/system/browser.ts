/** How a system opens an address in the user's browser. */
import type { Platform } from "./platform.ts";

/** The command with its arguments; undefined where there is no desktop. */
export function openCommand({ os, env }: Pick<Platform, "os" | "env">, address: string): readonly string[] | undefined {
  if (os === "windows") return ["explorer.exe", address];
  if (os === "darwin") return ["open", address];
  return env("DISPLAY") || env("WAYLAND_DISPLAY") ? ["xdg-open", address] : undefined;
}
