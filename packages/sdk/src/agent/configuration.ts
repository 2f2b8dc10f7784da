/** The configuration in force and the one last refused: candidates are judged whole before they apply. */
import {
  type AgentConfig,
  type ConfigFault,
  type ConfigLayer,
  canonicalConfig,
  type Fault,
  isPlainObject,
  mergeLayers,
} from '@opmas/protocol';
import { type CompileResult, compileRules, compileRulesInSlices, type Ruleset } from '@opmas/rules';
import {
  Config,
  completeCanonical,
  configHash,
  hashingConfig,
  type PackageLayers,
  readConfig,
} from '../config.ts';
import { AgentError, describeFaults, faultsIn } from '../errors.ts';
import { limits } from '../limits.ts';
import { atOnce, inTurns } from '../work/breath.ts';

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

/** A document read and validated, but for what its rules come to. */
interface Judged {
  read: ReturnType<typeof readConfig>;
  faults: readonly Fault[];
  rules: unknown;
  options: { budgetMs: number };
}

export class Configuration {
  readonly #packageLayers: PackageLayers;
  #current: Candidate;
  /** What the agent is known to work with; while a change is under way, the one before. */
  #followed: Config;
  #attemptedHash: string | null = null;
  #faults: readonly ConfigFault[] = [];
  #adopted = false;

  /** Starts with the package's defaults. @throws {AgentError} when those are faulty themselves */
  constructor(packageLayers: PackageLayers) {
    this.#packageLayers = packageLayers;
    const judged = atOnce(this.#reading({}, () => []));
    this.#current = this.#candidate({}, {}, judged, compileRules(judged.rules, judged.options));
    this.#followed = this.#current.config;
  }

  get config(): Config {
    return this.#current.config;
  }

  /** What runs, as it can be put in force again. */
  get inForce(): Candidate {
    return this.#current;
  }

  /** What is told to others as running: only what the agent has followed to the end. */
  get followed(): Config {
    return this.#followed;
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
    errors?: ConfigFault[];
  } {
    const faults = this.#faults;
    return {
      running_hash: this.#adopted ? this.#followed.hash : null,
      attempted_hash: this.#attemptedHash,
      error: faults.length === 0 ? null : `the configuration is refused: ${describeFaults(faults)}`,
      ...(faults.length === 0 ? {} : { errors: [...faults] }),
    };
  }

  /** Remembers that a configuration is not taken, and why. */
  refuse(hash: string, faults: readonly ConfigFault[]): void {
    this.#attemptedHash = hash;
    this.#faults = faults;
  }

  /**
   * Judges a document, a few milliseconds at a stretch where it has many rules; nothing changes but the memory
   * of a refusal.
   * @throws {AgentError} OPMAS_INVALID_CONFIGURATION with every fault; the present configuration stays
   */
  async propose(
    document: ConfigLayer,
    origin: ConfigOrigin,
    validate: (document: Record<string, unknown>) => readonly Fault[],
  ): Promise<Candidate> {
    const { given, hash } = await inTurns(this.#taking(document, origin));
    try {
      const judged = await inTurns(this.#reading(given, validate));
      const compiled = await compileRulesInSlices(judged.rules, judged.options);
      return this.#candidate(given, { ...origin, hash }, judged, compiled);
    } catch (error) {
      this.refuse(hash, faultsIn(error));
      throw error;
    }
  }

  /**
   * The server wants what runs: that another one was refused is nobody's concern any more.
   * @returns whether there was such a one
   */
  confirm(): boolean {
    const hadFaults = this.#faults.length > 0;
    this.#attemptedHash = this.#current.config.hash;
    this.#faults = [];
    return hadFaults;
  }

  /** Puts a judged candidate in force. Others are told of it when it is `followedToTheEnd`. */
  adopt(candidate: Candidate): void {
    this.#current = candidate;
    this.#attemptedHash = candidate.config.hash;
    this.#faults = [];
  }

  /** The agent works with what is in force. */
  followedToTheEnd(): void {
    this.#followed = this.#current.config;
    this.#adopted = true;
  }

  /** What is to be judged, and its name. */
  *#taking(
    document: ConfigLayer,
    origin: ConfigOrigin,
  ): Generator<void, { given: ConfigLayer; hash: string }> {
    const layer = canonicalConfig(document);
    yield;
    const given = origin.replace === true ? layer : mergeLayers(this.#current.given, layer);
    yield;
    return { given, hash: origin.hash ?? (yield* hashingConfig(given)) };
  }

  /** Each step takes milliseconds with thousands of rules: others have their turn in between. */
  *#reading(
    given: ConfigLayer,
    validate: (document: Record<string, unknown>) => readonly Fault[],
  ): Generator<void, Judged> {
    // A copy: what the package says may take the place of rules.
    const document = completeCanonical(this.#packageLayers, { ...given });
    yield;
    const read = readConfig(document);
    yield;
    const faults = read.ok ? [...validate(document)] : [...read.faults];
    yield;
    return {
      read,
      faults,
      rules: isPlainObject(document) ? document['rules'] : [],
      options: { budgetMs: read.ok ? ruleBudgetOf(read.value) : limits.ruleBudgetMs },
    };
  }

  /** @throws {AgentError} OPMAS_INVALID_CONFIGURATION with every fault */
  #candidate(
    given: ConfigLayer,
    origin: ConfigOrigin,
    { read, faults: found }: Judged,
    compiled: CompileResult,
  ): Candidate {
    const faults = [...found];
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

/** Milliseconds that one rule may take for one message. */
export function ruleBudgetOf({ processing }: AgentConfig): number {
  return processing.rule_budget === undefined
    ? limits.ruleBudgetMs
    : processing.rule_budget * 1_000;
}
