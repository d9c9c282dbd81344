/** The disk of the host that the program runs in. */
import { thisHost } from "../system/host.ts";
import type { Disk } from "./disk.ts";
import { nodeDisk } from "./node.ts";
import { systemDisk } from "./system.ts";
import { pageAddress, webDisk } from "./web.ts";

/** The files of this machine; in a browser those of the page's server, which can only be read. */
export function thisDisk(): Disk {
  const host = thisHost();
  if (host === "browser") return webDisk(pageAddress() ?? "");
  return host === "deno" ? systemDisk : nodeDisk;
}
