// The text a person works on, and the version of the layer it began with. It lives as long as its screen.
import { useState } from 'react';
import type { LayerHead } from '../api/configs.ts';
import type { DraftDetail } from '../api/drafts.ts';
import { writeDocument } from '../lib/json-text.ts';

export interface Draft {
  text: string;
  /** What it was made from: publishing is refused when another version is in force. */
  base: LayerHead;
  isChanged: boolean;
  setText: (text: string) => void;
  /** Goes on from another version, with this text. */
  rebase: (base: LayerHead, text: string) => void;
  discard: () => void;
}

export interface Begun {
  text: string;
  base: LayerHead;
}

/** @param head the layer in force; the draft keeps the one it began with */
export function useDraft(head: LayerHead | undefined): Draft | undefined {
  const [begun, setBegun] = useState<Begun>();
  return head && draftOf(head, begun, setBegun);
}

/** A text that says what its version says is none: it follows the layer. */
export function draftOf(
  head: LayerHead,
  begun: Begun | undefined,
  setBegun: (begun: Begun | undefined) => void,
): Draft {
  const isChanged = begun !== undefined && begun.text !== writeDocument(begun.base.config);
  const { base, text } = isChanged ? begun : { base: head, text: writeDocument(head.config) };
  return {
    text,
    base,
    isChanged,
    setText: (next) => setBegun({ text: next, base }),
    rebase: (newer, next) => setBegun({ text: next, base: newer }),
    discard: () => setBegun(undefined),
  };
}

/** A draft that the server keeps, to be worked on as if it were a layer. */
export function draftHead(detail: DraftDetail): LayerHead {
  const { version, config, reason, updated_by: author, updated_at } = detail;
  return { version, config, reason, author, created_at: updated_at };
}
