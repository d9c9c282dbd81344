/**
 * Bytes spelt as visible characters, one each, so that any text is a text over 256 characters. Source: GPT-2's encoder, as
 * Hugging Face's `ByteLevel` has it: printable bytes of Latin-1 stand for themselves, the others for U+0100 and up.
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

/** The UTF-8 bytes of a text, spelt. */
export function byteSpelt(text: string): string {
  let spelt = "";
  for (const byte of utf8(text)) spelt += BYTE_CHARACTERS[byte];
  return spelt;
}

/** The bytes that a text spells, or undefined when it holds a character that spells none. */
export function bytesSpelt(spelt: string): Uint8Array | undefined {
  const bytes: number[] = [];
  for (const character of spelt) {
    const byte = BYTES.get(character);
    if (byte === undefined) return undefined;
    bytes.push(byte);
  }
  return Uint8Array.from(bytes);
}
