/** What ends the reading of a package, in words its author can act on. */

export class RefusedPackage extends Error {
  override readonly name = 'RefusedPackage';
  /** As it stands in the list of a package's faults. */
  readonly fault: { code: string; message: string };

  constructor(code: string, message: string) {
    super(message);
    this.fault = { code, message };
  }
}

/** A file name as a message may hold it. */
export function show(path: string): string {
  return JSON.stringify(path.length > 120 ? `${path.slice(0, 120)}…` : path);
}

export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : 'unknown';
}
