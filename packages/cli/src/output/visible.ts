/** Makes data safe to look at: a hostile log line must not move the cursor, recolour or reorder text. */

const CONTROL = /\p{Cc}/gu;
const HIDDEN = /[\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/gu;

/** One line: control characters as `\x1b`, characters that hide or reorder as `\u{202e}`. */
export function visible(text: string): string {
  return text
    .replace(CONTROL, (c) => `\\x${code(c).toString(16).padStart(2, '0')}`)
    .replace(HIDDEN, (c) => `\\u{${code(c).toString(16)}}`);
}

/** JSON that a terminal takes for plain text; the same value as without the escapes. */
export function visibleJson(value: unknown, indent?: number): string {
  const text = JSON.stringify(value, null, indent) ?? 'null';
  return text.replace(/[\u007f-\u009f]/g, jsonEscape).replace(HIDDEN, jsonEscape);
}

function jsonEscape(character: string): string {
  return `\\u${code(character).toString(16).padStart(4, '0')}`;
}

function code(character: string): number {
  return character.codePointAt(0) ?? 0;
}
