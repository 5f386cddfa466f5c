/* Partitions: the topic-partitions that one kafkaToMqtt route has been given, and what becomes of them when
 * the group takes them back. Main thread only.
 *
 *   assigned --revoking--> leaving --nothing under way, or too late--> released      lost: gone at once
 *
 * 1. A record belongs to the assignment that it was read under. What of a partition lies unread in the ring
 *    when it is revoked is discarded there, and what comes behind it belongs to the next assignment.
 * 2. What is under way when a partition leaves is waited for, at most `revokeTimeoutMs`; a PUBACK that comes
 *    later moves no offset.
 */
import type { Clock } from '../../base/clock.js';
import type { PartitionOffset, PartitionsRevoking } from '../../channel/protocol.js';
import { OffsetTracker } from '../../delivery/offset-tracker.js';

/** One assignment of one partition. */
export interface Partition {
  readonly id: number;
  readonly tracker: OffsetTracker;
  /** Records whose end is awaited: a PUBACK, or a letter in the dead-letter store. */
  underWay: number;
  /** The offset that was committed last; -1 before the first time. */
  committed: number;
  /** Nobody commits for it any more. */
  gone: boolean;
}

interface Leaving {
  readonly revocation: number;
  readonly partitions: readonly Partition[];
  readonly cancelTimeout: () => void;
}

export interface PartitionsOptions {
  readonly clock: Clock;
  readonly revokeTimeoutMs: number;
  /** Nothing of these partitions is wanted any more: commit this much and give them up. */
  readonly onReleased: (revocation: number, offsets: readonly PartitionOffset[]) => void;
}

export class Partitions {
  readonly #options: PartitionsOptions;
  readonly #current = new Map<number, Partition>();
  readonly #assigned = new Set<number>();
  readonly #leaving: Leaving[] = [];
  #closed = false;

  constructor(options: PartitionsOptions) {
    this.#options = options;
  }

  /** Partitions that the group has given. */
  get count(): number {
    return this.#assigned.size;
  }

  /** Whether it is assigned, and nobody takes it back. */
  has(partition: Partition): boolean {
    return this.#current.get(partition.id) === partition;
  }

  /** The group gave partitions. */
  onAssigned(ids: readonly number[]): void {
    for (const id of ids) this.#assigned.add(id);
  }

  /** Whose a record is. */
  of(id: number): Partition {
    return this.#current.get(id) ?? this.#begin(id);
  }

  /**
   * The group takes partitions back; what of them is not read yet is out of the ring by now.
   * @returns what is left of them: their records that are not under way are nobody's
   */
  onRevoking({ revocation, partitions: ids, lost }: PartitionsRevoking): Set<Partition> {
    const left: Partition[] = [];
    for (const id of ids) {
      const partition = this.#current.get(id);
      this.#current.delete(id);
      this.#assigned.delete(id);
      if (partition !== undefined) left.push(partition);
    }
    if (!lost) this.#leave(revocation, left);
    else {
      for (const partition of left) partition.gone = true;
      // It waits for that before it takes partitions again.
      this.#options.onReleased(revocation, []);
    }
    return new Set(left);
  }

  /** Something that was under way has ended. */
  onEnded(partition: Partition): void {
    partition.underWay--;
    if (this.#leaving.length === 0 || partition.underWay > 0) return;
    const leaving = this.#leaving.find(({ partitions }) => partitions.includes(partition));
    if (leaving?.partitions.every(({ underWay }) => underWay === 0)) this.#release(leaving);
  }

  /** What may be committed and is not. It counts as committed once it is asked for. */
  takeCommits(): PartitionOffset[] {
    const due: PartitionOffset[] = [];
    for (const partition of this.#current.values()) takeCommit(partition, due);
    return due;
  }

  /**
   * Nothing is waited for any more.
   * @returns the last word: what was asked for and is not answered may have failed, so it is said again
   */
  close(): PartitionOffset[] {
    this.#closed = true;
    for (const { cancelTimeout } of this.#leaving) cancelTimeout();
    this.onCommitFailed();
    return this.takeCommits();
  }

  /** A commit has failed: everything is due again. */
  onCommitFailed(): void {
    for (const partition of this.#current.values()) partition.committed = -1;
  }

  /** The worker has ended, and the ring with it. */
  onLost(): void {
    for (const partition of this.#current.values()) partition.gone = true;
    this.#current.clear();
    this.#assigned.clear();
    for (const { partitions, cancelTimeout } of this.#leaving) {
      cancelTimeout();
      for (const partition of partitions) partition.gone = true;
    }
    this.#leaving.length = 0;
  }

  #begin(id: number): Partition {
    const tracker = new OffsetTracker();
    const partition = { id, tracker, underWay: 0, committed: -1, gone: false };
    this.#current.set(id, partition);
    return partition;
  }

  #leave(revocation: number, partitions: readonly Partition[]): void {
    const { clock, revokeTimeoutMs } = this.#options;
    const cancelTimeout = clock.after(revokeTimeoutMs, () => this.#release(leaving));
    const leaving = { revocation, partitions, cancelTimeout };
    this.#leaving.push(leaving);
    if (this.#closed || partitions.every(({ underWay }) => underWay === 0)) this.#release(leaving);
  }

  #release(leaving: Leaving): void {
    leaving.cancelTimeout();
    this.#leaving.splice(this.#leaving.indexOf(leaving), 1);
    const due: PartitionOffset[] = [];
    for (const partition of leaving.partitions) {
      // As in `close`.
      partition.committed = -1;
      takeCommit(partition, due);
      partition.gone = true;
    }
    this.#options.onReleased(leaving.revocation, due);
  }
}

function takeCommit(partition: Partition, due: PartitionOffset[]): void {
  const { id, tracker } = partition;
  if (tracker.next < 0 || tracker.next === partition.committed) return;
  partition.committed = tracker.next;
  due.push({ partition: id, offset: tracker.next });
}
