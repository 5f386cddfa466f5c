/* The schemas are to become those of custom resource definitions, which Kubernetes only takes when
 * they are structural: one type for each value, nothing composed and nothing referred to.
 */
import t from 'tap';
import { KafkaConnectorSpec } from '../../../src/config/kinds/kafka-connector.js';
import { KafkaConnectorTopicMapSpec } from '../../../src/config/kinds/kafka-connector-topic-map.js';

const ALLOWED = new Set([
  'type',
  'properties',
  'required',
  'items',
  'enum',
  'default',
  'description',
  'minimum',
  'maximum',
  'minLength',
  'maxLength',
  'maxItems',
  'pattern',
  'additionalProperties',
  'x-kubernetes-preserve-unknown-fields',
  'x-millrace-extension',
  'x-millrace-default',
  'x-millrace-expects',
  'x-millrace-required',
]);

interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
}

for (const [kind, spec] of Object.entries({ KafkaConnectorSpec, KafkaConnectorTopicMapSpec })) {
  t.test(`${kind} is structural, and every field of it is described`, async (t) => {
    const visit = (schema: Schema, path: string): void => {
      for (const keyword of Object.keys(schema)) {
        t.ok(ALLOWED.has(keyword), `${path} has ${keyword}`);
      }
      const isFree = schema['x-kubernetes-preserve-unknown-fields'] === true;
      t.equal(schema.type === undefined, isFree, `${path} has one type`);
      t.match(schema.description, /\.$/, `${path} is described in sentences`);
      t.notMatch(schema.description, /[|\n]/, `${path} fits in a table`);
      for (const [name, field] of Object.entries(schema.properties ?? {})) {
        visit(field, `${path}.${name}`);
      }
      if (schema.items !== undefined) visit(schema.items, `${path}[]`);
    };
    visit(spec as Schema, kind);
  });
}
