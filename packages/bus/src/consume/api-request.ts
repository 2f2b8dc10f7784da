/** A request to the JetStream API, without the library's manager: agents and hosts have few rights. */
import type { Bus } from '../connection/bus.ts';
import { BusError, fromApiError } from '../errors.ts';

/**
 * The answer's JSON.
 * @throws {BusError} OPMAS_NOT_FOUND, OPMAS_INVALID_REQUEST as the broker says; as `Bus.request` otherwise.
 */
export async function apiRequest(bus: Bus, subject: string, body = ''): Promise<object> {
  const message = await bus.request(subject, body);
  let answer: unknown;
  try {
    answer = message.json();
  } catch (cause) {
    throw new BusError('OPMAS_BROKER_UNAVAILABLE', `${subject}: the answer is not JSON`, { cause });
  }
  if (typeof answer !== 'object' || answer === null) {
    throw new BusError('OPMAS_BROKER_UNAVAILABLE', `${subject}: the answer is no object`);
  }
  const error: unknown = Reflect.get(answer, 'error');
  if (typeof error !== 'object' || error === null) return answer;
  const code: unknown = Reflect.get(error, 'code');
  const description: unknown = Reflect.get(error, 'description');
  const text = typeof description === 'string' ? description : 'refused';
  throw fromApiError(subject, typeof code === 'number' ? code : 500, text);
}
