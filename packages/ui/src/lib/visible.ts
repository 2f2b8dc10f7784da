// Makes characters that hide or reorder text readable: a log line must not lie about what it says.

const HIDDEN = /[\p{Cc}\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/gu;

/** The text with control and direction characters as `\u{202e}`; tab and line break stay. */
export function visible(text: string): string {
  return text.replace(HIDDEN, (hidden) =>
    hidden === '\n' || hidden === '\t'
      ? hidden
      : `\\u{${(hidden.codePointAt(0) ?? 0).toString(16)}}`,
  );
}
