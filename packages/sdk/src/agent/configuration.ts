/** The configuration in force and the one last refused: candidates are judged whole before they apply. */
import {
  type ConfigLayer,
  canonicalConfig,
  type Fault,
  isPlainObject,
  mergeLayers,
} from '@opmas/protocol';
import { compileRules, type Ruleset } from '@opmas/rules';
import { Config, completeConfig, configHash, readConfig } from '../config.ts';
import { AgentError, describeFaults } from '../errors.ts';

export interface ConfigOrigin {
  /** The document replaces the current one; else it is merged over it. */
  replace?: boolean;
  /** What the server calls it. */
  version?: number;
  hash?: string;
}

export interface Candidate {
  config: Config;
  ruleset: Ruleset;
  /** As given, canonical, without the package's defaults: what is kept for the next start. */
  given: ConfigLayer;
}

export class Configuration {
  readonly #packageDefaults: ConfigLayer;
  #current: Candidate;
  #attemptedHash: string | null = null;
  #error: string | null = null;
  #adopted = false;

  /** Starts with the package's defaults. @throws {AgentError} when those are faulty themselves */
  constructor(packageDefaults: ConfigLayer) {
    this.#packageDefaults = packageDefaults;
    this.#current = this.#judge({}, {}, () => []);
  }

  get config(): Config {
    return this.#current.config;
  }

  get ruleset(): Ruleset {
    return this.#current.ruleset;
  }

  /** False until a configuration of the server (or its cached copy) was accepted. */
  get adopted(): boolean {
    return this.#adopted;
  }

  /** For `opmas.status`: what runs, what was tried last, why it was refused. */
  get report(): {
    running_hash: string | null;
    attempted_hash: string | null;
    error: string | null;
  } {
    return {
      running_hash: this.#adopted ? this.#current.config.hash : null,
      attempted_hash: this.#attemptedHash,
      error: this.#error,
    };
  }

  /**
   * Judges a document; nothing changes but the memory of a refusal.
   * @throws {AgentError} OPMAS_INVALID_CONFIGURATION with every fault; the present configuration stays
   */
  propose(
    document: ConfigLayer,
    origin: ConfigOrigin,
    validate: (document: Record<string, unknown>) => readonly Fault[],
  ): Candidate {
    const layer = canonicalConfig(document);
    const given = origin.replace === true ? layer : mergeLayers(this.#current.given, layer);
    const hash = origin.hash ?? configHash(given);
    try {
      return this.#judge(given, { ...origin, hash }, validate);
    } catch (error) {
      this.#attemptedHash = hash;
      this.#error = error instanceof Error ? error.message : String(error);
      throw error;
    }
  }

  /** Puts a judged candidate in force. */
  adopt(candidate: Candidate): void {
    this.#current = candidate;
    this.#adopted = true;
    this.#attemptedHash = candidate.config.hash;
    this.#error = null;
  }

  #judge(
    given: ConfigLayer,
    origin: ConfigOrigin,
    validate: (document: Record<string, unknown>) => readonly Fault[],
  ): Candidate {
    const document = completeConfig(this.#packageDefaults, given);
    const read = readConfig(document);
    const faults: Fault[] = read.ok ? [...validate(document)] : [...read.faults];
    const compiled = compileRules(isPlainObject(document) ? document['rules'] : []);
    if (read.ok && !compiled.ok) {
      for (const fault of compiled.errors) {
        const path = [`rules.${fault.index}`, fault.path].filter((p) => p !== '').join('.');
        const rule = fault.rule_id === undefined ? '' : ` (rule ${fault.rule_id})`;
        faults.push({ path: fault.index < 0 ? 'rules' : path, message: `${fault.message}${rule}` });
      }
    }
    if (!read.ok || !compiled.ok || faults.length > 0) {
      throw new AgentError(
        'OPMAS_INVALID_CONFIGURATION',
        `the configuration is refused: ${describeFaults(faults)}`,
        { faults },
      );
    }
    const config = new Config(read.value, {
      version:
        origin.version ?? (origin.replace === true ? undefined : this.#current?.config.version),
      hash: origin.hash ?? configHash(given),
    });
    return { config, ruleset: compiled.ruleset, given };
  }
}
