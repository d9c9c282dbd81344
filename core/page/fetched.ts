/** Reads the other files of the page's folder. Addresses are relative, so that the page works in any folder. */
import { HymbaError } from "../errors.ts";

async function answerOf(name: string): Promise<Response> {
  const response = await fetch(new URL(name, location.href), { cache: "no-cache" });
  if (response.ok) return response;
  throw new HymbaError(`${name} cannot be read`, {
    got: (await response.text()).slice(0, 2000) || `${response.status} ${response.statusText}`,
  });
}

/** The JSON of a file beside the page. Both come from the same program, so its shape is not checked again. */
export const fetchJson = async <T>(name: string): Promise<T> => await (await answerOf(name)).json();

/** The bytes of a file beside the page. */
export const fetchBytes = async (name: string): Promise<Uint8Array<ArrayBuffer>> =>
  new Uint8Array(await (await answerOf(name)).arrayBuffer());
