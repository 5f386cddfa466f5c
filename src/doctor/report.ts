/* What doctor found, step by step, as people and programs get it. docs/reference/doctor.md says what each
 * field means.
 */

import { plural } from '../base/plural.js';
import { printable } from '../base/printable.js';

/** In the order in which they are made. */
const CHECKS = [
  'secrets',
  'token',
  'name',
  'tcp',
  'tls',
  'connect',
  'limits',
  'subscribe',
  'login',
  'brokers',
  'topic',
  'size',
  'write',
  'read',
  'group',
] as const;
export type Check = (typeof CHECKS)[number];

/** `skipped`: it depends on a step that failed, or cannot be told. */
export type Outcome = 'passed' | 'warning' | 'failed' | 'skipped';

export type Side = 'mqtt' | 'kafka';

export interface Step {
  readonly connector: string;
  readonly side: Side;
  readonly check: Check;
  /** What is checked: `host:port`, a topic filter, a Kafka topic, a consumer group, a secret. */
  readonly subject: string;
  readonly outcome: Outcome;
  /** What was found; of a failure what is behind it, and what to do. Never a value of a secret. */
  readonly text: string;
}

/** Takes the steps of one side of one connector, and hands each on at once. */
export class Steps {
  readonly #connector: string;
  readonly #side: Side;
  readonly #onStep: (step: Step) => void;

  constructor(connector: string, side: Side, onStep: (step: Step) => void) {
    this.#connector = connector;
    this.#side = side;
    this.#onStep = onStep;
  }

  add(outcome: Outcome, check: Check, subject: string, text: string): void {
    this.#onStep({
      connector: this.#connector,
      side: this.#side,
      check,
      subject,
      outcome,
      text,
    });
  }

  /** Takes steps that are made beside others, until `release` hands them on behind those. */
  aside(): { readonly steps: Steps; release(): void } {
    const held: Step[] = [];
    return {
      steps: new Steps(this.#connector, this.#side, (step) => held.push(step)),
      release: () => held.splice(0).forEach(this.#onStep),
    };
  }

  /** Steps that depend on one that failed. */
  skip(checks: readonly Check[], subject: string, why: string): void {
    for (const check of checks) this.add('skipped', check, subject, why);
  }
}

export interface Counts {
  readonly failed: number;
  readonly warnings: number;
}

export function countSteps(steps: readonly Step[]): Counts {
  const count = (wanted: Outcome) => steps.filter(({ outcome }) => outcome === wanted).length;
  return { failed: count('failed'), warnings: count('warning') };
}

/** Changes where a field changes its meaning or goes. */
const FORMAT = 1;

/** One JSON object and a newline. */
export function reportJson(steps: readonly Step[]): string {
  const { failed, warnings } = countSteps(steps);
  const report = { format: FORMAT, ok: failed === 0, failed, warnings, steps };
  return `${JSON.stringify(report, null, 2)}\n`;
}

const MARKS: Readonly<Record<Outcome, string>> = {
  passed: '✓',
  warning: '!',
  failed: '✗',
  skipped: '–',
};
const GREEN = '\u001b[32m';
const YELLOW = '\u001b[33m';
const RED = '\u001b[31m';
const DIM = '\u001b[2m';
const RESET = '\u001b[0m';
const PAINTS: Readonly<Record<Outcome, string>> = {
  passed: GREEN,
  warning: YELLOW,
  failed: RED,
  skipped: DIM,
};
const SIDES: Readonly<Record<Side, string>> = { mqtt: 'MQTT', kafka: 'Kafka' };
const NAMES: Readonly<Partial<Record<Check, string>>> = {
  name: 'address',
  tcp: 'TCP',
  tls: 'TLS',
  connect: 'CONNECT',
  subscribe: 'SUBSCRIBE',
  size: 'message size',
};

/** One line, such as `✓ MQTT TLS broker:8883: ...`. */
export function stepLine(step: Step, color: boolean): string {
  const { side, check, subject, outcome, text } = step;
  const mark = color ? `${PAINTS[outcome]}${MARKS[outcome]}${RESET}` : MARKS[outcome];
  const what = [SIDES[side], NAMES[check] ?? check, subject].filter((part) => part !== '');
  return `  ${mark} ${printable(`${what.join(' ')}: ${text}`)}\n`;
}

/** The last line. */
export function summaryLine(steps: readonly Step[]): string {
  const { failed, warnings } = countSteps(steps);
  const counts = `${plural(failed, 'check')} failed, ${plural(warnings, 'warning')}`;
  return failed === 0 ? `all would work: ${counts}\n` : `not all would work: ${counts}\n`;
}
