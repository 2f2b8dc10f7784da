// A long name or path, as text that breaks where its parts end instead of in the middle of a word: also `Wifi|Agent`.
import { Fragment } from 'react';
import { visible } from '../lib/visible.ts';

/** After a separator, and before a capital that begins a word. */
const PARTS = /(?<=[_/.:=@,-])(?=[^_/.:=@,\s-])|(?<=[\p{Ll}\d])(?=\p{Lu})/u;

export function Breakable({ text }: { text: string }) {
  const parts = visible(text).split(PARTS);
  return parts.map((part, index) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: the parts of one text have no other name
    <Fragment key={index}>
      {index > 0 && <wbr />}
      {part}
    </Fragment>
  ));
}
