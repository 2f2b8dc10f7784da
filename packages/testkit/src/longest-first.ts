/** In which order test files begin: those that take minutes first, so that none of them ends the run alone. */
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** What starts the whole product takes long, however short its file is; the suites of many stand in others. */
const LONG = [/\/e2e\/(?:page|configurations|agent-packages)/, /\/e2e\//, /\/runner\.test\.ts$/];

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.toSorted((a, b) => rank(a) - rank(b));
  }
}

function rank({ moduleId }: TestSpecification): number {
  const place = LONG.findIndex((pattern) => pattern.test(moduleId));
  return place < 0 ? LONG.length : place;
}
