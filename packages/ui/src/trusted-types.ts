// The one place where text may become part of the document: style sheets pass, markup never does.

interface Policies {
  createPolicy(name: 'default', rules: { createHTML(text: string): string | null }): unknown;
}

declare global {
  var trustedTypes: Policies | undefined;
}

/**
 * The server's policy has browsers refuse text where markup is expected. The component library sets the
 * text of its style elements that way; text without `<` holds no element, so it cannot start a script.
 */
globalThis.trustedTypes?.createPolicy('default', {
  createHTML: (text) => (text.includes('<') ? null : text),
});

export {};
