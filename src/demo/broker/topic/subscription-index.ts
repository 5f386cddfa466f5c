import type { Session } from '../session/session.js';
import type { TopicFilter } from './topic-filter.js';

/* Which subscriptions match a topic name.
 *
 * A trie by topic level; `+` and `#` are ordinary children of it. What a topic name matched is
 * cached until any subscription changes, since devices publish to the same names over and over.
 */

export interface Subscription {
  readonly session: Session;
  /** As the client wrote it, with `$share/` where it is shared. */
  readonly text: string;
  readonly filter: TopicFilter;
  readonly qos: 0 | 1;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  readonly retainHandling: number;
  /** The Subscription Identifier property as PUBLISH carries it; empty where there is none. */
  readonly encodedIdentifier: Buffer;
}

export interface ShareGroup {
  readonly members: Subscription[];
  /** Whose turn it is, modulo the number of members. */
  next: number;
}

export interface Matches {
  /** Subscriptions that are not shared, those of one session together. */
  readonly bySession: ReadonlyMap<Session, readonly Subscription[]>;
  readonly groups: readonly ShareGroup[];
}

interface Node {
  readonly children: Map<string, Node>;
  readonly subscriptions: Map<Session, Subscription>;
  readonly groups: Map<string, ShareGroup>;
}

const cachedTopicsMax = 10_000;

export class SubscriptionIndex {
  readonly #root = createNode();
  readonly #cache = new Map<string, Matches>();

  /** Replaces the session's subscription to the same filter, in its place in the turns. */
  add(subscription: Subscription): void {
    this.#cache.clear();
    let node = this.#root;
    for (const level of subscription.filter.levels) {
      const child = node.children.get(level) ?? createNode();
      node.children.set(level, child);
      node = child;
    }
    const { shareName } = subscription.filter;
    if (shareName === undefined) {
      node.subscriptions.set(subscription.session, subscription);
      return;
    }
    const group = node.groups.get(shareName) ?? { members: [], next: 0 };
    node.groups.set(shareName, group);
    const index = group.members.findIndex((member) => member.session === subscription.session);
    group.members.splice(index < 0 ? group.members.length : index, index < 0 ? 0 : 1, subscription);
  }

  remove(subscription: Subscription): void {
    this.#cache.clear();
    removeFrom(this.#root, subscription, 0);
  }

  match(topic: string): Matches {
    const cached = this.#cache.get(topic);
    if (cached !== undefined) return cached;
    const bySession = new Map<Session, Subscription[]>();
    const groups: ShareGroup[] = [];
    visit(this.#root, topic.split('/'), 0, (node) => {
      for (const [session, subscription] of node.subscriptions) {
        const others = bySession.get(session);
        if (others === undefined) bySession.set(session, [subscription]);
        else others.push(subscription);
      }
      groups.push(...node.groups.values());
    });
    const matches = { bySession, groups };
    if (this.#cache.size >= cachedTopicsMax) this.#cache.clear();
    this.#cache.set(topic, matches);
    return matches;
  }
}

function createNode(): Node {
  return { children: new Map(), subscriptions: new Map(), groups: new Map() };
}

function visit(
  node: Node,
  levels: readonly string[],
  depth: number,
  onMatch: (node: Node) => void,
): void {
  // Wildcards do not match a first level with `$` [MQTT-4.7.2-1].
  const wild = depth > 0 || !levels[0]?.startsWith('$');
  const all = wild ? node.children.get('#') : undefined;
  // `a/#` matches `a` too, since it includes the parent level.
  if (all !== undefined) onMatch(all);
  const level = levels[depth];
  if (level === undefined) {
    onMatch(node);
    return;
  }
  const exact = node.children.get(level);
  if (exact !== undefined) visit(exact, levels, depth + 1, onMatch);
  const any = wild ? node.children.get('+') : undefined;
  if (any !== undefined) visit(any, levels, depth + 1, onMatch);
}

/** Removes nodes that became empty on the way back, so that the trie does not grow for ever. */
function removeFrom(node: Node, subscription: Subscription, depth: number): void {
  const level = subscription.filter.levels[depth];
  if (level === undefined) {
    removeHere(node, subscription);
    return;
  }
  const child = node.children.get(level);
  if (child === undefined) return;
  removeFrom(child, subscription, depth + 1);
  if (child.children.size + child.subscriptions.size + child.groups.size === 0)
    node.children.delete(level);
}

function removeHere(node: Node, { session, filter: { shareName } }: Subscription): void {
  if (shareName === undefined) {
    node.subscriptions.delete(session);
    return;
  }
  const group = node.groups.get(shareName);
  if (group === undefined) return;
  const index = group.members.findIndex((member) => member.session === session);
  if (index >= 0) group.members.splice(index, 1);
  if (group.members.length === 0) node.groups.delete(shareName);
}
