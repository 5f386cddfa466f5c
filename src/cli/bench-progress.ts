/* What a bench shows on standard error while it runs: a line for each round, and on a terminal a bar below
 * them for the round that is under way.
 */
import type { WriteStream } from 'node:tty';
import cliProgress from 'cli-progress';
import type { RoundProgress } from '../bench/progress.js';
import { formatNumber } from '../bench/report/format.js';

const SHARE_MAX = 1000;
const REDRAWS_PER_SECOND = 4;
const PHASE_CHARACTERS = 'measuring'.length;

/** A terminal, or what stands in for one. */
export type ProgressStream = NodeJS.WritableStream & Partial<Pick<WriteStream, 'isTTY'>>;

export class BenchProgress {
  readonly #stream: ProgressStream;
  readonly #rounds: number;
  readonly #bar: cliProgress.SingleBar | undefined;
  #rate = '';

  /** Writes nothing yet; `stop` has to be called in the end.
   * @param rounds how many there will be */
  constructor(stream: ProgressStream, rounds: number) {
    this.#stream = stream;
    this.#rounds = rounds;
    if (stream.isTTY !== true) return;
    this.#bar = new cliProgress.SingleBar({
      stream,
      format: 'round {round}  {phase} [{bar}] {percent}%  {rate}',
      barsize: 30,
      barCompleteChar: '=',
      barIncompleteChar: ' ',
      fps: REDRAWS_PER_SECOND,
      clearOnComplete: true,
      // An interrupted bench stops it like any other that ends.
      gracefulExit: false,
    });
  }

  /** @param round from 1 */
  update({ phase, share, messagesPerSecond }: RoundProgress, round: number): void {
    const bar = this.#bar;
    if (bar === undefined) return;
    if (messagesPerSecond !== undefined) {
      this.#rate = `${formatNumber(messagesPerSecond, 0)} messages/s`;
    } else if (phase !== 'measuring') this.#rate = '';
    const payload = {
      round: `${round}/${this.#rounds}`,
      phase: phase.padEnd(PHASE_CHARACTERS),
      percent: `${Math.floor(share * 100)}`.padStart(3),
      rate: this.#rate,
    };
    const value = Math.round(share * SHARE_MAX);
    if (bar.isActive) bar.update(value, payload);
    else bar.start(SHARE_MAX, value, payload);
  }

  /** A line that stays. */
  print(line: string): void {
    this.stop();
    this.#stream.write(`${line}\n`);
  }

  /** Takes the bar away; the next update shows it again. */
  stop(): void {
    if (this.#bar?.isActive) this.#bar.stop();
  }
}
