// The log level inside a document of the runtime layer.
import { isSection } from './three-way.ts';

type Document = Record<string, unknown>;

/** Empty when the document does not say. */
export function levelOf(document: Document): string {
  const { monitoring } = document;
  const level = isSection(monitoring) ? monitoring['log_level'] : undefined;
  return typeof level === 'string' ? level : '';
}

/** The document with another log level; an empty one takes it out, and the section with it when nothing is left. */
export function withLevel(document: Document, level: string): Document {
  const { monitoring, ...rest } = document;
  const { log_level: _before, ...others } = isSection(monitoring) ? monitoring : {};
  const section = level === '' ? others : { ...others, log_level: level };
  return Object.keys(section).length === 0 ? rest : { ...rest, monitoring: section };
}
