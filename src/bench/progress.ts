/* How far a round is, for whoever watches it. */
import type { Extent, GeneratorEvent, GeneratorTask, Progress } from './protocol.js';

export interface RoundProgress {
  readonly phase: 'starting' | 'warm-up' | 'measuring' | 'finishing' | 'verifying';
  /** Of the phase, 0 to 1; 0 where nobody knows. */
  readonly share: number;
  /** Of both directions, since the last time; undefined where nothing is under way. */
  readonly messagesPerSecond: number | undefined;
}

type Direction = 'load' | 'feed';
type Task = Pick<GeneratorTask, Direction>;

export class ProgressMeter {
  readonly #task: Task;
  readonly #onProgress: (progress: RoundProgress) => void;
  #phase: RoundProgress['phase'] = 'starting';
  /** The first of the phase. */
  #first: Progress | undefined;
  #last: Progress | undefined;

  constructor(task: Task, onProgress: (progress: RoundProgress) => void) {
    this.#task = task;
    this.#onProgress = onProgress;
  }

  hear(event: GeneratorEvent): void {
    if (event.kind === 'loading') this.#enter('warm-up');
    else if (event.kind === 'measuring') this.#enter('measuring');
    else if (event.kind === 'measured') this.#enter('finishing');
    else if (event.kind === 'progress') this.#add(event);
  }

  #enter(phase: RoundProgress['phase']): void {
    this.#phase = phase;
    this.#first = this.#last;
    this.#onProgress({ phase, share: 0, messagesPerSecond: undefined });
  }

  #add(progress: Progress): void {
    const before = this.#last;
    this.#last = progress;
    this.#first ??= progress;
    const seconds = before === undefined ? 0 : (progress.atMs - before.atMs) / 1000;
    const settled = before === undefined ? 0 : settledOf(progress) - settledOf(before);
    this.#onProgress({
      phase: this.#phase,
      share: this.#share(this.#first, progress),
      messagesPerSecond: seconds > 0 ? settled / seconds : undefined,
    });
  }

  /** That of the direction which is behind. */
  #share(first: Progress, now: Progress): number {
    const { load, feed } = this.#task;
    const key =
      this.#phase === 'warm-up' ? 'warmup' : this.#phase === 'measuring' ? 'measured' : undefined;
    if (key === undefined) return 0;
    const shares = [
      ...(load === undefined ? [] : [shareOf(load[key], 'load', first, now)]),
      ...(feed === undefined ? [] : [shareOf(feed[key], 'feed', first, now)]),
    ];
    return Math.min(1, ...shares);
  }
}

function settledOf({ load = 0, feed = 0 }: Progress): number {
  return load + feed;
}

function shareOf(extent: Extent, direction: Direction, first: Progress, now: Progress): number {
  if (extent.kind === 'seconds') return (now.atMs - first.atMs) / 1000 / extent.seconds;
  return ((now[direction] ?? 0) - (first[direction] ?? 0)) / Math.max(1, extent.count);
}
