/* HeldTargets: whose records a shard holds back, and which routes have to be told of that. Main thread only. */
import type { HoldReason } from '../../metrics/reasons.js';
import type { Shard } from '../../shard/shard.js';
import type { Targets } from '../../shard/targets.js';
import type { CompiledRoute } from './routes.js';

export class HeldTargets {
  readonly #targets: Targets;
  readonly #routes: readonly CompiledRoute[];
  readonly #held = new Map<Shard, Set<number>>();

  constructor(targets: Targets, routes: readonly CompiledRoute[]) {
    this.#targets = targets;
    this.#routes = routes;
  }

  /** @param code why Kafka does not take its records; undefined: they flow again */
  onHeld(shard: Shard, targetId: number, code: string | undefined): void {
    const held = this.#held.get(shard) ?? new Set();
    this.#held.set(shard, held);
    if (code === undefined) held.delete(targetId);
    else held.add(targetId);
    const target = this.#targets.byId(targetId);
    for (const route of this.#routes) {
      if (target === undefined || route.targets.get(target.open.topic) !== target) continue;
      if (code === undefined) route.events.holdEnded();
      else route.events.holdBegan(holdReason(code), `${target.open.topic}: ${code}`);
    }
  }

  /** Its worker has ended: it holds nothing any more. */
  onShardLost(shard: Shard): void {
    for (const targetId of this.#held.get(shard) ?? []) this.onHeld(shard, targetId, undefined);
  }
}

function holdReason(code: string): HoldReason {
  if (code.includes('AUTH')) return 'notAuthorised';
  if (code.includes('UNKNOWN_TOPIC') || code.includes('UNKNOWN_PARTITION')) return 'unknownTopic';
  if (code.includes('QUOTA') || code.includes('POLICY')) return 'quota';
  return 'other';
}
