/** The script of a character. No piece mixes two scripts. */

const NAMES = (
  "Latin Common Inherited Greek Cyrillic Han Hangul Arabic Hebrew Armenian Devanagari Bengali Gurmukhi Gujarati Oriya Tamil " +
  "Telugu Kannada Malayalam Sinhala Thai Lao Tibetan Myanmar Georgian Ethiopic Cherokee Canadian_Aboriginal Ogham Runic " +
  "Khmer Mongolian Bopomofo Yi Old_Italic Gothic Deseret Tagalog Hanunoo Buhid Tagbanwa Limbu Tai_Le Linear_B Ugaritic " +
  "Shavian Osmanya Cypriot Braille Buginese Coptic New_Tai_Lue Glagolitic Tifinagh Syloti_Nagri Old_Persian Kharoshthi " +
  "Balinese Cuneiform Phoenician Phags_Pa Nko Sundanese Lepcha Ol_Chiki Vai Saurashtra Kayah_Li Rejang Lycian Carian Lydian " +
  "Cham Tai_Tham Tai_Viet Avestan Egyptian_Hieroglyphs Samaritan Lisu Bamum Javanese Meetei_Mayek Imperial_Aramaic " +
  "Old_South_Arabian Inscriptional_Parthian Inscriptional_Pahlavi Old_Turkic Kaithi Batak Brahmi Mandaic Chakma " +
  "Meroitic_Cursive Meroitic_Hieroglyphs Miao Sharada Sora_Sompeng Takri Syriac Thaana"
).split(" ");

/** Tested in this order; the most frequent scripts come first. */
const PATTERNS = NAMES.map((name) => new RegExp(`^\\p{Script=${name}}$`, "u"));
const HAN = NAMES.indexOf("Han"), LATIN = 0, COMMON = 1;
/** The script "inherited": marks that have the script of the character before them. */
export const INHERITED = 2;
/** Kana count as Han, and so does the prolonged sound mark. */
const KANA = /^[\p{Script=Hiragana}\p{Script=Katakana}\u30fc]$/u;

/** A number for the script of one character. Equal numbers mean equal scripts. Scripts that are not in the list count as common. */
export function scriptOf(character: string): number {
  if (character < "\x80") return /[A-Za-z]/.test(character) ? LATIN : COMMON;
  if (KANA.test(character)) return HAN;
  const found = PATTERNS.findIndex((pattern) => pattern.test(character));
  return found < 0 ? COMMON : found;
}
