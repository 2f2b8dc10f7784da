/** Agent packages as test data: written into an agents directory as a user would. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export interface PackageDraft {
  folder: string;
  name: string;
  version?: string;
  domain?: string;
  /** `agent.ts`; absent: a rules agent. */
  code?: string;
  rules?: readonly object[];
  /** `config.schema.json`; absent: none. */
  schema?: object;
  /** Replaces `.env.discovery` whole. */
  discovery?: string;
}

/** Writes the package; returns its folder. */
export function writePackage(agentsDir: string, draft: PackageDraft): string {
  const { folder, name, version = '1.0.0', domain = folder, code } = draft;
  const files: Record<string, string> = {
    '.env.discovery':
      draft.discovery ??
      [
        `AGENT_NAME=${name}`,
        `AGENT_VERSION=${version}`,
        `AGENT_DESCRIPTION=A package of the tests`,
        `DEFAULT_SUBSCRIBED_TOPICS=logs.${domain}`,
        `DEFAULT_FINDINGS_TOPIC=findings.${domain}`,
        '',
      ].join('\n'),
    'rules.json': `${JSON.stringify(draft.rules ?? [rule(folder, `${folder} failed`)], null, 2)}\n`,
    ...(draft.schema === undefined ? {} : { 'config.schema.json': JSON.stringify(draft.schema) }),
    ...(code === undefined ? {} : { 'agent.ts': code }),
  };
  for (const [path, text] of Object.entries(files)) {
    const target = join(agentsDir, folder, path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, text);
  }
  return join(agentsDir, folder);
}

/** A substring rule with only the specification's fields. */
export function rule(id: string, pattern: string) {
  return { id, name: `Rule ${id}`, pattern, severity: 'warning', action: 'alert' };
}
