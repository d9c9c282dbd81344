/**
 * Writes each byte as one visible character, so that any text needs at most 256 characters. Printable bytes of Latin-1 stand
 * for themselves; the others are written as U+0100 and up. Source: GPT-2's encoder and Hugging Face's `ByteLevel`.
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

/** The UTF-8 bytes of a text, each written as its character. */
export function toByteCharacters(text: string): string {
  let characters = "";
  for (const byte of utf8(text)) characters += BYTE_CHARACTERS[byte];
  return characters;
}

/** The inverse: the bytes that a text of such characters stands for. Undefined when a character stands for no byte. */
export function fromByteCharacters(characters: string): Uint8Array | undefined {
  const bytes: number[] = [];
  for (const character of characters) {
    const byte = BYTES.get(character);
    if (byte === undefined) return undefined;
    bytes.push(byte);
  }
  return Uint8Array.from(bytes);
}
