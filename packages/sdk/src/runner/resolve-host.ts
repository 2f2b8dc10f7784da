/** Lets a package import `@opmas/*` wherever it lies: those names always mean the host's copy. */
import { registerHooks } from 'node:module';

/** Must run before a package is imported. */
export function resolveFromHost(): void {
  registerHooks({
    resolve: (specifier, context, nextResolve) =>
      specifier.startsWith('@opmas/')
        ? nextResolve(specifier, { ...context, parentURL: import.meta.url })
        : nextResolve(specifier, context),
  });
}
