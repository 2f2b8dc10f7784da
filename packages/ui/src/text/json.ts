// The words about text that is read as JSON.
import { limits } from '../limits.ts';

export const jsonText = {
  broken: (line: number, column: number, message: string) =>
    `Line ${line}, character ${column}: ${message}`,
  line: (n: number) => `line ${n}`,
  toLine: (n: number) => `Go to line ${n}`,
  object: 'one object is wanted: it begins with {',
  bracket: 'an object or a list is wanted: it begins with { or [',
  value: 'a value is missing: text in double quotes, a number, true, false, null, { or [',
  string: 'this text does not end on its line, or holds a character that must be escaped',
  key: 'a key in double quotes is missing',
  trailing: 'there is a comma too many before this',
  colon: 'a colon is missing after the key',
  comma: 'a comma or the closing bracket is missing',
  ends: 'the text ends here, before it is complete',
  more: 'the document has ended before this',
  twice: (key: string) => `the key ${JSON.stringify(key)} is there twice`,
  deep: 'too many levels',
  long: `more than ${limits.editorChars} characters`,
} as const;
