/**
 * Each byte written as one visible character, so that any text uses at most 256 characters. Printable bytes of Latin-1 stand for
 * themselves, the others for U+0100 and up. Source: GPT-2's encoder and Hugging Face's `ByteLevel`.
 */
import { utf8 } from "./bytes.ts";

const isVisible = (byte: number) => byte > 0x20 && byte < 0x7f || byte > 0xa0 && byte !== 0xad;

/** The character of each byte. */
export const BYTE_CHARACTERS: readonly string[] = alphabet();
const BYTES = new Map(BYTE_CHARACTERS.map((character, byte) => [character, byte]));

function alphabet(): string[] {
  let hidden = 0x100;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(isVisible(byte) ? byte : hidden++));
}

/** The UTF-8 bytes of a text, each as its character. */
export function byteSpelt(text: string): string {
  let spelt = "";
  for (const byte of utf8(text)) spelt += BYTE_CHARACTERS[byte];
  return spelt;
}

/** The bytes whose characters make up a text, or undefined when it has a character that stands for no byte. */
export function bytesSpelt(spelt: string): Uint8Array | undefined {
  const bytes: number[] = [];
  for (const character of spelt) {
    const byte = BYTES.get(character);
    if (byte === undefined) return undefined;
    bytes.push(byte);
  }
  return Uint8Array.from(bytes);
}
