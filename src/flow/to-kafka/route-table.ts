/* RouteTable: which routes a PUBLISH goes to: those whose Subscription Identifiers it carries and no
 * other. Where the broker has no identifiers, topic filters decide.
 */
import type { Publish } from '../../mqtt/receive/publish.js';
import { FilterTrie } from '../../route/filter-trie.js';
import type { CompiledRoute } from './routes.js';

/** Routes of one session by its subscriptions. */
export interface SessionRoute {
  readonly subscriptionId: number;
  /** Without `$share/<group>/`. */
  readonly topicFilter: string;
  readonly routes: readonly CompiledRoute[];
}

interface SessionRoutes {
  readonly byId: Map<number, readonly CompiledRoute[]>;
  readonly byFilter: FilterTrie<readonly CompiledRoute[]>;
  /** Whether the broker has no Subscription Identifiers. */
  useFilters: boolean;
  lastId: number;
  lastRoutes: readonly CompiledRoute[];
}

const NO_ROUTES: readonly CompiledRoute[] = [];

export class RouteTable {
  readonly all: readonly CompiledRoute[];
  readonly #sessions: SessionRoutes[];

  constructor(all: readonly CompiledRoute[], sessions: readonly (readonly SessionRoute[])[]) {
    this.all = all;
    this.#sessions = sessions.map((routes) => {
      const byFilter = new FilterTrie<readonly CompiledRoute[]>();
      for (const route of routes) byFilter.add(route.topicFilter, route.routes);
      const byId = new Map(routes.map((route) => [route.subscriptionId, route.routes]));
      return { byId, byFilter, useFilters: false, lastId: 0, lastRoutes: NO_ROUTES };
    });
  }

  /** By topic filters from now on, or by identifiers again. */
  useFilters(session: number, on: boolean): void {
    (this.#sessions[session] as SessionRoutes).useFilters = on;
  }

  /** The routes of a PUBLISH whose topic is resolved, each once. */
  match(session: number, publish: Publish): readonly CompiledRoute[] {
    const routes = this.#sessions[session] as SessionRoutes;
    if (publish.subscriptionIds === 1) {
      const id = publish.subscriptionId[0] as number;
      if (id === routes.lastId) return routes.lastRoutes;
      routes.lastRoutes = routes.byId.get(id) ?? NO_ROUTES;
      routes.lastId = id;
      return routes.lastRoutes;
    }
    if (publish.subscriptionIds > 1) return matchSeveral(routes, publish);
    if (!routes.useFilters) return NO_ROUTES;
    return [...new Set(routes.byFilter.match(publish.topic?.name ?? '').flat())];
  }
}

function matchSeveral(routes: SessionRoutes, publish: Publish): readonly CompiledRoute[] {
  const found = new Set<CompiledRoute>();
  for (let i = 0; i < publish.subscriptionIds; i++) {
    for (const route of routes.byId.get(publish.subscriptionId[i] as number) ?? NO_ROUTES) {
      found.add(route);
    }
  }
  return [...found];
}
