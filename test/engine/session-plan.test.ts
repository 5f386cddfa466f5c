import t from 'tap';
import { type PlannedSession, slabRegions } from '../../src/engine/session-plan.js';
import type { CompiledRoute } from '../../src/flow/to-kafka/routes.js';

/** Sessions of the routes with these names; '' is a retired one that no route has. */
function sessionsOf(...names: readonly string[]): PlannedSession[] {
  return names.map((name, i) => ({
    clientId: `session-${i}`,
    subscriptions: [],
    routes:
      name === ''
        ? []
        : [{ subscriptionId: 1, topicFilter: 'a', routes: [{ name } as CompiledRoute] }],
    recordRoutes: [],
    retired: name === '',
  }));
}

t.test('each session has a region of the slab of its own', async (t) => {
  t.same(slabRegions(sessionsOf('a', 'b', 'b', ''), 100), [0, 1, 3, 2]);
});

t.test('where there are too few, the subscribers of one route share', async (t) => {
  t.same(slabRegions(sessionsOf('a', 'b', 'b', 'b', 'c'), 4), [0, 1, 3, 1, 2]);
});

t.test('and then the sessions of several routes', async (t) => {
  t.same(slabRegions(sessionsOf('a', 'b', 'c', 'c'), 2), [0, 1, 0, 0]);
});
