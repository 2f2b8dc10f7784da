// Where a reference of a rule leads: an ATT&CK id to its page, a link to itself, anything else nowhere.

const TECHNIQUE = /^(T\d{4})(?:\.(\d{3}))?$/;
const TACTIC = /^TA\d{4}$/;

/** Only https and http: a reference is written by whoever wrote the rule. */
export function addressOf(reference: string): string | undefined {
  const [, technique, part] = TECHNIQUE.exec(reference) ?? [];
  if (technique) {
    return `https://attack.mitre.org/techniques/${technique}/${part ? `${part}/` : ''}`;
  }
  if (TACTIC.test(reference)) return `https://attack.mitre.org/tactics/${reference}/`;
  if (!URL.canParse(reference)) return undefined;
  const { protocol, href, username, password } = new URL(reference);
  const isPlain = username === '' && password === '';
  return isPlain && (protocol === 'https:' || protocol === 'http:') ? href : undefined;
}
