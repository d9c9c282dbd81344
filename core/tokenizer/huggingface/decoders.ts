/** The decoders of a `tokenizer.json`: functions from tokens to tokens, joined at the end. */
import { fromByteCharacters } from "../byte_level.ts";
import { ByteBuffer, SPACE_MARK, textOf, utf8 } from "../bytes.ts";
import { replaceMatches } from "./patterns.ts";
import type { JsonNode } from "./schema.ts";

export type TokensStep = (tokens: string[]) => string[];

/** Reads a decoder. Without one, tokens are joined by spaces. @throws {HymbaError} on unknown kinds. */
export function readDecoder(node: JsonNode): (tokens: string[]) => string {
  if (node.missing) return (tokens) => tokens.join(" ");
  const step = readStep(node);
  return (tokens) => step(tokens).join("");
}

function readStep(node: JsonNode): TokensStep {
  const kind = node.object().get("type").text();
  switch (kind) {
    case "Sequence": {
      const steps = node.get("decoders").map(readStep);
      return (tokens) => steps.reduce((done, step) => step(done), tokens);
    }
    case "Metaspace": {
      const mark = node.get("replacement").text(SPACE_MARK);
      const always = node.get("add_prefix_space").flag(true) ? "always" : "never";
      const strips = node.get("prepend_scheme").text(always) !== "never";
      // Every mark in the first token is removed, as in Hugging Face's `metaspace.rs`.
      return (tokens) => tokens.map((token, i) => token.replaceAll(mark, strips && i === 0 ? "" : " "));
    }
    case "Replace": {
      const pattern = node.get("pattern").pattern(), content = node.get("content").text();
      return (tokens) => tokens.map((token) => replaceMatches(token, { pattern, content }));
    }
    case "Strip": {
      const content = node.get("content").text(), start = node.get("start").index(0), stop = node.get("stop").index(0);
      return (tokens) => tokens.map((token) => strip(token, { content, start, stop }));
    }
    case "Fuse":
      return (tokens) => [tokens.join("")];
    case "ByteFallback":
      return joinBytes;
    case "ByteLevel":
      return joinByteCharacters;
    default:
      throw node.get("type").error(`decoder ${kind} is not supported`);
  }
}

function strip(token: string, { content, start, stop }: { content: string; start: number; stop: number }): string {
  let begin = 0, end = token.length;
  while (begin < Math.min(start, end) && token[begin] === content) begin++;
  while (end > begin && token.length - end < stop && token[end - 1] === content) end--;
  return token.slice(begin, end);
}

/** Joins all tokens to one text. A token with a character that stands for no byte is not changed. */
function joinByteCharacters(tokens: string[]): string[] {
  const bytes = new ByteBuffer(256);
  for (const token of tokens) bytes.append(fromByteCharacters(token) ?? utf8(token));
  return [textOf(bytes.view())];
}

/** Decodes runs of byte tokens. A run that is not UTF-8 becomes one U+FFFD for each byte. */
function joinBytes(tokens: string[]): string[] {
  const out: string[] = [];
  let bytes: number[] = [];
  const end = () => {
    if (bytes.length === 0) return;
    try {
      out.push(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(bytes)));
    } catch {
      out.push("\ufffd".repeat(bytes.length));
    }
    bytes = [];
  };
  for (const token of tokens) {
    const byte = /^<0x([0-9A-Fa-f]{2})>$/.exec(token)?.[1];
    if (byte) bytes.push(parseInt(byte, 16));
    else {
      end();
      out.push(token);
    }
  }
  end();
  return out;
}
