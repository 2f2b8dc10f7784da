/**
 * What an enrolling agent says of itself, against what its token says of it: nobody chooses by a word of
 * their own which secrets they are given.
 */
import type { RegistrationRequest } from '@opmas/protocol';
import { OpmasError } from '../../kernel/errors.ts';
import type { Executor } from '../../platform/ports.ts';
import {
  groupsWithSecrets,
  type Labelled,
  matchesSelector,
  parseSelector,
} from '../configs/index.ts';
import type { Enrollment } from '../tokens/index.ts';

/** The token's tags are all there are; where it names none, those the agent has for itself. */
export function tagsOf(enrollment: Enrollment, request: RegistrationRequest): string[] {
  return [...new Set(enrollment.tags.length > 0 ? enrollment.tags : (request.tags ?? []))];
}

/**
 * A group whose layer holds secrets, now, in an older version or in a draft, takes an enrolling agent only for
 * what the token says: its tags, its type if it names one, and the name that may be taken over.
 * @param known the agent was there before, and the token lets it be replaced
 * @throws {OpmasError} OPMAS_FORBIDDEN; the group is not named to who may be nobody's agent
 */
export async function refuseUnvouched(
  db: Executor,
  agent: Labelled,
  { enrollment, known }: { enrollment: Enrollment; known: boolean },
): Promise<void> {
  const vouched: Labelled = { ...agent, tags: enrollment.tags };
  const isOpen = (key: string) =>
    !known && (key === 'name' || (key === 'type' && enrollment.agent_type === null));
  for (const { selector: text } of await groupsWithSecrets(db)) {
    const selector = parseSelector(text);
    if (!matchesSelector(selector, agent)) continue;
    const own = selector.find(({ key }) => isOpen(key))?.key;
    if (own === undefined && matchesSelector(selector, vouched)) continue;
    const [path, fix] = own === undefined ? FIX.tag : own === 'type' ? FIX.type : FIX.name;
    throw new OpmasError(
      'OPMAS_FORBIDDEN',
      `${path} would put the agent into a group whose configuration holds secrets; ${fix}`,
      { errors: [{ path, message: 'chooses a group with secrets, which only the token may' }] },
    );
  }
}

const FIX = {
  tag: ['tags', 'leave the tags out, or enroll with a token that names them (--tag)'],
  type: ['agent_type', 'enroll with a token for this type (--type)'],
  name: ['agent_name', 'choose another name, or have the group chosen by tags of the token'],
} as const;
